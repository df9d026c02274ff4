/*
 * Reinvite: recovery of PJSIP dialogs on a healthy Asterisk.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

/*** MODULEINFO
	<depend>pjproject</depend>
	<depend>res_pjsip</depend>
	<depend>res_pjsip_session</depend>
	<support_level>extended</support_level>
 ***/

#include "asterisk.h"

#include <pjlib.h>

#include "asterisk/causes.h"
#include "asterisk/channel.h"
#include "asterisk/datastore.h"
#include "asterisk/module.h"
#include "asterisk/pbx.h"
#include "asterisk/res_pjsip.h"
#include "asterisk/res_pjsip_session.h"
#include "asterisk/stasis_channels.h"

#include "recovery.h"

/*! What a session that recovers a dialog carries; it lies in the pool of the session's dialog. */
struct recovery {
	struct recovery_dialog dialog;
	struct recovery_guard guard;
	unsigned int journal_number;
	/*! The last answer to the re-INVITE (a 200 that was of no use, too), 0 while there is none; its Retry-After in s, or -1. */
	int refusal;
	int retry_after;
	/*! The re-INVITE has its final status in the journal. */
	int is_ended;
};

static const struct ast_datastore_info recovery_info = { .type = "reinvite_recovery" };

/*! \return NULL where the session recovers nothing */
static struct recovery *find_recovery(struct ast_sip_session *session)
{
	struct ast_datastore *store = ast_sip_session_get_datastore(session, recovery_info.type);
	struct recovery *recovery = store ? store->data : NULL;

	ao2_cleanup(store);
	return recovery;
}

static int remember(struct ast_sip_session *session, struct recovery *recovery)
{
	struct ast_datastore *store = ast_sip_session_alloc_datastore(&recovery_info, recovery_info.type);
	int failed;

	if (!store) {
		return -1;
	}
	store->data = recovery;
	failed = ast_sip_session_add_datastore(session, store);
	ao2_ref(store, -1);
	return failed;
}

/*! A supplement cannot say no to an INVITE: the message is made unsendable and the channel hung up. */
static void refuse(struct ast_channel *chan, pjsip_tx_data *tdata, unsigned int journal_number, enum recovery_code code,
	const char *why)
{
	const char *name = recovery_code_name(code);

	recovery_make_unsendable(tdata);
	ast_log(LOG_ERROR, "%s: recovery refused: %s: %s\n", ast_channel_name(chan), name, why);
	recovery_journal_refused(journal_number, code);
	pbx_builtin_setvar_helper(chan, "PJSIP_RECOVERY_REFUSED", name);
	recovery_report_refused(chan, name);
#ifdef HAVE_TECH_HANGUPCAUSE
	ast_channel_lock(chan);
	/* Otherwise Asterisk fills in what it would have sent to hang up. */
	ast_channel_tech_hangupcause_set(chan, RECOVERY_REFUSED_STATUS);
	ast_channel_unlock(chan);
#endif
	ast_queue_hangup_with_cause(chan, RECOVERY_REFUSED_CAUSE);
}

static const char *reason_of(enum recovery_code code, enum recovery_variable wrong)
{
	switch (code) {
	case RECOVERY_DIALOG_ALIVE:
		return "this node has that dialog already";
	case RECOVERY_CSEQ_USED:
		return "a re-INVITE with this CSeq, or a higher one, was sent in that dialog from here";
	case RECOVERY_REWRITE_FAILED:
		return "pjsip did not take the dialog on";
	case RECOVERY_SDP_UNSUPPORTED:
		return "the endpoint cannot offer the streams that the dialog had";
	case RECOVERY_TRANSPORT_MISSING:
		return "this node has no transport of the kind and address family that the next hop wants";
	default:
		return recovery_variable_name(wrong);
	}
}

/*! ARI and AMI show the Call-ID (protocol_id) out of a snapshot that was taken when the channel was made. */
static void renew_snapshot(struct ast_channel *chan)
{
	ast_channel_lock(chan);
	ast_channel_snapshot_invalidate_segment(chan, AST_CHANNEL_SNAPSHOT_INVALIDATE_BASE);
	ast_channel_unlock(chan);
}

static enum recovery_code rewrite(struct ast_sip_session *session, pjsip_tx_data *tdata, struct recovery *recovery)
{
	const struct recovery_session *recovered = &recovery->dialog.session;
	enum recovery_code code;

	/* The offer first: it is made by Asterisk itself, for the dialog as it is. */
	if ((code = recovery_make_offer(session, tdata, recovered)) || (code = recovery_keep_timer(session, tdata, recovered))
		|| (code = recovery_choose_transport(session, &recovery->dialog))) {
		return code;
	}
	if (remember(session, recovery)) {
		return RECOVERY_REWRITE_FAILED;
	}
	if ((code = recovery_rewrite_dialog(session->inv_session->dlg, &recovery->dialog))) {
		ast_sip_session_remove_datastore(session, recovery_info.type);
		return code;
	}
	recovery_guard_watch(session->inv_session->dlg, &recovery->guard);
	renew_snapshot(session->channel);
	return recovery_rewrite_request(tdata, &recovery->dialog);
}

/*! The dialog is locked: its pool is what everything is allocated from. */
static void begin_locked(struct ast_sip_session *session, pjsip_tx_data *tdata)
{
	struct ast_channel *chan = session->channel;
	pj_pool_t *pool = session->inv_session->dlg->pool;
	struct recovery_values values;
	struct recovery *recovery;
	enum recovery_variable wrong;
	enum recovery_code code;
	pj_int32_t cseq_before;

	if (!recovery_values_read(chan, pool, &values)) {
		return;
	}
	recovery = PJ_POOL_ZALLOC_T(pool, struct recovery);
	recovery->retry_after = -1;
	code = recovery_parse(&values, pool, &recovery->dialog, &wrong);
	recovery->journal_number = recovery_journal_attempted(ast_channel_name(chan), &values.of[RECOVERY_VAR_CALL_ID],
		recovery->dialog.cseq);
	if (!code && recovery_use_cseq(&recovery->dialog, &cseq_before)) {
		code = RECOVERY_CSEQ_USED;
	}
	if (!code && (code = rewrite(session, tdata, recovery))) {
		recovery_unuse_cseq(&recovery->dialog, cseq_before);
	}
	if (code) {
		refuse(chan, tdata, recovery->journal_number, code, reason_of(code, wrong));
	} else {
		recovery_journal_sent(recovery->journal_number);
	}
}

/*! Called for each INVITE of a session: the first, the one with credentials, and later re-INVITEs of the recovered call. */
static void outgoing_request(struct ast_sip_session *session, pjsip_tx_data *tdata)
{
	pjsip_dialog *dlg = session->inv_session->dlg;
	struct recovery *recovery;

	if (!session->channel || session->inv_session->state >= PJSIP_INV_STATE_CONFIRMED) {
		return;
	}
	recovery = find_recovery(session);
	if (recovery) {
		recovery->refusal = 0;
		recovery_rewrite_request(tdata, &recovery->dialog);
		return;
	}
	pjsip_dlg_inc_lock(dlg);
	begin_locked(session, tdata);
	pjsip_dlg_dec_lock(dlg);
}

static int retry_after_of(pjsip_msg *msg)
{
	const pjsip_retry_after_hdr *header = pjsip_msg_find_hdr(msg, PJSIP_H_RETRY_AFTER, NULL);

	return header ? header->ivalue : -1;
}

/*! Whether the answer is one that the channel can go on with. */
static int is_of_use(const struct ast_sip_session *session)
{
	const pjsip_inv_session *inv = session->inv_session;

	return session->channel && inv->state == PJSIP_INV_STATE_CONFIRMED && !inv->cancelling
		&& inv->neg && pjmedia_sdp_neg_get_state(inv->neg) == PJMEDIA_SDP_NEG_STATE_DONE
		&& ast_channel_hangupcause(session->channel) != AST_CAUSE_BEARERCAPABILITY_NOTAVAIL;
}

/*! Before Asterisk has dealt with the answer's SDP, and after: only then a 200 is known to be of use. */
static void incoming_response(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
	const int status = rdata->msg_info.msg->line.status.code;
	struct recovery *recovery = find_recovery(session);

	if (!recovery || recovery->guard.is_taken_on || status < 200) {
		return;
	}
	/* It may be a challenge that is answered yet, or a 200 that is looked at again: both take it back. */
	recovery->refusal = recovery->guard.redirection ? recovery->guard.redirection : status;
	recovery->retry_after = retry_after_of(rdata->msg_info.msg);
	if (PJSIP_IS_STATUS_IN_CLASS(status, 200) && is_of_use(session)) {
		recovery->guard.is_taken_on = 1;
		recovery->is_ended = 1;
		recovery_journal_ended(recovery->journal_number, status);
	}
}

/*! Before the channel driver hangs up: whoever follows the channel is to know why it ends. */
static void session_end(struct ast_sip_session *session)
{
	struct recovery *recovery = find_recovery(session);
	int status;

	if (!recovery || recovery->is_ended) {
		return;
	}
	recovery->is_ended = 1;
	status = recovery->refusal ? recovery->refusal : session->inv_session ? session->inv_session->cause : 0;
	/* A 200 that came too late, or was of no use, is no success. */
	recovery_journal_ended(recovery->journal_number, PJSIP_IS_STATUS_IN_CLASS(status, 200) ? 0 : status);
	if (session->channel) {
		recovery_report_failed(session->channel, status, recovery->refusal != 0, recovery->retry_after);
	}
}

static struct ast_sip_session_supplement supplement = {
	.method = "INVITE",
	/* After the supplements that add headers, so that none of them undoes the rewriting. */
	.priority = AST_SIP_SUPPLEMENT_PRIORITY_LAST,
	.outgoing_request = outgoing_request,
	.incoming_response = incoming_response,
	.response_priority = AST_SIP_SESSION_BEFORE_MEDIA | AST_SIP_SESSION_AFTER_MEDIA,
};

static struct ast_sip_session_supplement ending = {
	.method = "INVITE",
	.priority = AST_SIP_SUPPLEMENT_PRIORITY_FIRST,
	.session_end = session_end,
};

static int load_module(void)
{
	if (!recovery_build_is_right() || recovery_guard_open()) {
		return AST_MODULE_LOAD_DECLINE;
	}
	if (recovery_journal_open()) {
		recovery_guard_close();
		return AST_MODULE_LOAD_DECLINE;
	}
	ast_sip_session_register_supplement(&supplement);
	ast_sip_session_register_supplement(&ending);
	/* The calls that it recovers are guarded as long as they live: it leaves with Asterisk only. */
	ast_module_shutdown_ref(AST_MODULE_SELF);
	return AST_MODULE_LOAD_SUCCESS;
}

static int unload_module(void)
{
	ast_sip_session_unregister_supplement(&supplement);
	ast_sip_session_unregister_supplement(&ending);
	recovery_journal_close();
	recovery_guard_close();
	return 0;
}

AST_MODULE_INFO(ASTERISK_GPL_KEY, AST_MODFLAG_LOAD_ORDER, "Recovery of PJSIP dialogs",
	.support_level = AST_MODULE_SUPPORT_EXTENDED,
	.load = load_module,
	.unload = unload_module,
	.load_pri = AST_MODPRI_APP_DEPEND,
	.requires = "res_pjsip,res_pjsip_session",
);
