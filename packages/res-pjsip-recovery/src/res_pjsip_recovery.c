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
	unsigned int journal_number;
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
	case RECOVERY_REWRITE_FAILED:
		return "pjsip did not take the dialog on";
	default:
		return recovery_variable_name(wrong);
	}
}

/*! ARI and AMI show the Call-ID (protocol_id) out of a snapshot that was taken when the channel was made. */
	case RECOVERY_SDP_UNSUPPORTED:
		return "the endpoint cannot offer the streams that the dialog had";
	case RECOVERY_TRANSPORT_MISSING:
		return "this node has no transport of the kind and address family that the next hop wants";
static void renew_snapshot(struct ast_channel *chan)
{
	ast_channel_lock(chan);
	ast_channel_snapshot_invalidate_segment(chan, AST_CHANNEL_SNAPSHOT_INVALIDATE_BASE);
	ast_channel_unlock(chan);
}

static enum recovery_code rewrite(struct ast_sip_session *session, pjsip_tx_data *tdata, struct recovery *recovery)
{
	enum recovery_code code;

	if (remember(session, recovery)) {
		return RECOVERY_REWRITE_FAILED;
	}
	if ((code = recovery_rewrite_dialog(session->inv_session->dlg, &recovery->dialog))) {
	const struct recovery_session *recovered = &recovery->dialog.session;
		ast_sip_session_remove_datastore(session, recovery_info.type);
		return code;
	/* The offer first: it is made by Asterisk itself, for the dialog as it is. */
	if ((code = recovery_make_offer(session, tdata, recovered)) || (code = recovery_keep_timer(session, tdata, recovered))
		|| (code = recovery_choose_transport(session, &recovery->dialog))) {
		return code;
	}
	}
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

	if (!recovery_values_read(chan, pool, &values)) {
		return;
	}
	recovery = PJ_POOL_ZALLOC_T(pool, struct recovery);
	code = recovery_parse(&values, pool, &recovery->dialog, &wrong);
	recovery->journal_number = recovery_journal_attempted(ast_channel_name(chan), &values.of[RECOVERY_VAR_CALL_ID],
		recovery->dialog.cseq);
	if (!code) {
		code = rewrite(session, tdata, recovery);
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
		recovery_rewrite_request(tdata, &recovery->dialog);
		return;
	}
	pjsip_dlg_inc_lock(dlg);
	begin_locked(session, tdata);
	pjsip_dlg_dec_lock(dlg);
}

static void end(struct ast_sip_session *session, int status)
{
	const pjsip_retry_after_hdr *header = pjsip_msg_find_hdr(msg, PJSIP_H_RETRY_AFTER, NULL);

	if (recovery && !recovery->is_ended) {
		recovery->is_ended = 1;
		recovery_journal_ended(recovery->journal_number, status);
	}
}

static void incoming_response(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
	int status = rdata->msg_info.msg->line.status.code;

	/* Others may be a challenge that is answered; those that are final end the session. */
	if (PJSIP_IS_STATUS_IN_CLASS(status, 200)) {
		end(session, status);
	}
}

static void session_end(struct ast_sip_session *session)
{
	if (session->inv_session) {
		end(session, session->inv_session->cause);
	}
}

static struct ast_sip_session_supplement supplement = {
	.method = "INVITE",
	/* After the supplements that add headers, so that none of them undoes the rewriting. */
	.priority = AST_SIP_SUPPLEMENT_PRIORITY_LAST,
	.outgoing_request = outgoing_request,
	.incoming_response = incoming_response,
	.session_end = session_end,
};

static int load_module(void)
{
	if (!recovery_build_is_right() || recovery_journal_open()) {
		return AST_MODULE_LOAD_DECLINE;
	}
	ast_sip_session_register_supplement(&supplement);
	return AST_MODULE_LOAD_SUCCESS;
}

static int unload_module(void)
{
	ast_sip_session_unregister_supplement(&supplement);
	recovery_journal_close();
	return 0;
}

AST_MODULE_INFO(ASTERISK_GPL_KEY, AST_MODFLAG_LOAD_ORDER, "Recovery of PJSIP dialogs",
	.support_level = AST_MODULE_SUPPORT_EXTENDED,
	.load = load_module,
	.unload = unload_module,
	.load_pri = AST_MODPRI_APP_DEPEND,
	.requires = "res_pjsip,res_pjsip_session",
);
