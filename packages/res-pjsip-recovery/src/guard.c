/*
 * Reinvite: keeps a recovery that did not succeed from harming the call.
 *
 * Until the phone has taken a re-INVITE its call lives on as it was, and another node may try (RFC 3261 section 14.1). To
 * Asterisk, however, the re-INVITE is the first INVITE of a call: it would end one whose 200 comes after the channel has gone,
 * and one whose answer it cannot use, by a BYE; and it would dial anew where it is redirected. All that is stopped here.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#include "asterisk.h"

#include <pjlib.h>

#include "asterisk/logger.h"
#include "asterisk/res_pjsip.h"

#include "recovery.h"

/*! What a redirection is turned into, so that nobody follows it: Temporarily Unavailable. */
#define INSTEAD_OF_REDIRECTION 480

static pj_status_t on_tx_request(pjsip_tx_data *tdata);
static pj_bool_t on_rx_response(pjsip_rx_data *rdata);

static pjsip_module guard_module = {
	.name = { "Reinvite Recovery Guard", 23 },
	.id = -1,
	/* Before the transaction layer on the way in; on the way out before whatever logs or captures messages. */
	.priority = PJSIP_MOD_PRIORITY_TSX_LAYER - 1,
	.on_tx_request = on_tx_request,
	.on_rx_response = on_rx_response,
};

struct recovery_guard *recovery_guard_of(pjsip_dialog *dlg)
{
	return guard_module.id < 0 ? NULL : pjsip_dlg_get_mod_data(dlg, guard_module.id);
}

void recovery_guard_watch(pjsip_dialog *dlg, struct recovery_guard *guard)
{
	if (guard_module.id >= 0) {
		pjsip_dlg_set_mod_data(dlg, guard_module.id, guard);
	}
}

/*! Sending fails then as if the transport had: pjsip ends its side of the dialog. */
static pj_status_t on_tx_request(pjsip_tx_data *tdata)
{
	const struct recovery_guard *guard;
	pjsip_dialog *dlg;

	if (tdata->msg->line.req.method.id != PJSIP_BYE_METHOD || !(dlg = pjsip_tdata_get_dlg(tdata))
		|| !(guard = recovery_guard_of(dlg)) || guard->is_taken_on) {
		return PJ_SUCCESS;
	}
	ast_log(LOG_NOTICE, "No BYE is sent in the dialog %.*s: its recovery here has not succeeded, and the call may live on\n",
		(int) dlg->call_id->id.slen, dlg->call_id->id.ptr);
	return PJ_ECANCELLED;
}

/*! A redirection of a re-INVITE tells where somebody else could be called, not where the phone of this call is. */
static pj_bool_t on_rx_response(pjsip_rx_data *rdata)
{
	pjsip_status_line *line = &rdata->msg_info.msg->line.status;
	struct recovery_guard *guard;
	pjsip_dialog *dlg;

	if (!PJSIP_IS_STATUS_IN_CLASS(line->code, 300) || rdata->msg_info.cseq->method.id != PJSIP_INVITE_METHOD) {
		return PJ_FALSE;
	}
	dlg = pjsip_ua_find_dialog(&rdata->msg_info.cid->id, &rdata->msg_info.from->tag, &rdata->msg_info.to->tag, PJ_TRUE);
	if (!dlg) {
		return PJ_FALSE;
	}
	guard = recovery_guard_of(dlg);
	if (guard && !guard->is_taken_on) {
		guard->redirection = line->code;
		line->code = INSTEAD_OF_REDIRECTION;
	}
	pjsip_dlg_dec_lock(dlg);
	return PJ_FALSE;
}

static int register_guard(void *unused)
{
	return pjsip_endpt_register_module(ast_sip_get_pjsip_endpoint(), &guard_module) == PJ_SUCCESS ? 0 : -1;
}

static int unregister_guard(void *unused)
{
	return pjsip_endpt_unregister_module(ast_sip_get_pjsip_endpoint(), &guard_module) == PJ_SUCCESS ? 0 : -1;
}

int recovery_guard_open(void)
{
	return ast_sip_push_task_wait_servant(NULL, register_guard, NULL);
}

void recovery_guard_close(void)
{
	ast_sip_push_task_wait_servant(NULL, unregister_guard, NULL);
}
