/*
 * Reinvite: makes a fresh dialog, and its INVITE, continue one that another Asterisk held.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#include "asterisk.h"

#include <pjlib.h>

#include "asterisk/lock.h"

#include "recovery.h"

/*! Makes "is it alive?" and "enter it into the table" one step. Taken with a dialog locked, never the other way round. */
AST_MUTEX_DEFINE_STATIC(table_lock);

/*!
 * The dialog, which is locked, was recovered here in vain: no channel has it any more, and nothing is sent in it but an ACK.
 * Its INVITE has come to its end: pjsip looks at a dialog's place in the table, without its lock, where an answer ends one.
 */
static int has_failed(pjsip_dialog *dlg)
{
	const struct recovery_guard *guard = recovery_guard_of(dlg);
	const pjsip_inv_session *inv = pjsip_dlg_get_inv_session(dlg);

	return guard && !guard->is_taken_on && (!inv || inv->state == PJSIP_INV_STATE_DISCONNECTED);
}

/*!
 * pjsip remembers a dialog for half a minute after its end. One that failed makes room: it stays in the table under another
 * key, so that late answers still find it by their transaction, and in its messages it keeps its own tag.
 */
static int put_aside(pjsip_dialog *dlg)
{
	const pj_str_t tag = dlg->local.info->tag;
	pj_str_t aside;

	pj_create_unique_string(dlg->pool, &aside);
	if (pjsip_ua_unregister_dlg(dlg->ua, dlg) != PJ_SUCCESS) {
		return -1;
	}
	dlg->local.info->tag = aside;
	/* The hash of the key by which it is taken out again; pjsip uses it for nothing else. */
	dlg->local.tag_hval = pj_hash_calc_tolower(0, NULL, &aside);
	pjsip_ua_register_dlg(dlg->ua, dlg);
	dlg->local.info->tag = tag;
	return 0;
}

/*! \return whether the dialog with these tags holds the place of the one that is to be recovered */
static int holds_place(const struct recovery_dialog *recovered, const pj_str_t *remote_tag)
{
	pjsip_dialog *dlg = pjsip_ua_find_dialog(&recovered->call_id, &recovered->from->tag, remote_tag, PJ_TRUE);
	int holds;

	if (!dlg) {
		return 0;
	}
	holds = !has_failed(dlg) || put_aside(dlg);
	pjsip_dlg_dec_lock(dlg);
	return holds;
}

/*!
 * Also true for a while after the dialog has ended: as long as it stands in pjsip's table, the phone's requests would find
 * it and not the recovered one. A recovery that failed here before is no hindrance.
 */
static int is_alive(const struct recovery_dialog *recovered)
{
	static const pj_str_t no_tag_yet = { NULL, 0 };

	return holds_place(recovered, &recovered->to->tag) || holds_place(recovered, &no_tag_yet);
}

static void set_party(pj_pool_t *pool, pjsip_dlg_party *party, const pjsip_fromto_hdr *recovered)
{
	party->info->uri = pjsip_uri_clone(pool, recovered->uri);
	pj_strdup(pool, &party->info->tag, &recovered->tag);
	party->tag_hval = pj_hash_calc_tolower(0, NULL, &party->info->tag);
}

/*! The table of dialogs is keyed by the local tag: a dialog that changed its tag in place would never be found again. */
static enum recovery_code move_in_table(pjsip_dialog *dlg, const struct recovery_dialog *recovered)
{
	/* pjsip takes 0 for "no hash yet" and would refuse the dialog after it had left the table. */
	if (!pj_hash_calc_tolower(0, NULL, &recovered->from->tag)) {
		return RECOVERY_REWRITE_FAILED;
	}
	if (is_alive(recovered)) {
		return RECOVERY_DIALOG_ALIVE;
	}
	if (pjsip_ua_unregister_dlg(dlg->ua, dlg) != PJ_SUCCESS) {
		return RECOVERY_REWRITE_FAILED;
	}
	pj_strdup(dlg->pool, &dlg->call_id->id, &recovered->call_id);
	set_party(dlg->pool, &dlg->local, recovered->from);
	set_party(dlg->pool, &dlg->remote, recovered->to);
	pjsip_ua_register_dlg(dlg->ua, dlg);
	return RECOVERY_OK;
}

enum recovery_code recovery_rewrite_dialog(pjsip_dialog *dlg, const struct recovery_dialog *recovered)
{
	enum recovery_code code;

	ast_mutex_lock(&table_lock);
	code = move_in_table(dlg, recovered);
	ast_mutex_unlock(&table_lock);
	if (code) {
		return code;
	}
	dlg->local.cseq = recovered->cseq;
	dlg->local.first_cseq = recovered->cseq;
	dlg->target = pjsip_uri_clone(dlg->pool, recovered->request_uri);
	pjsip_dlg_set_route_set(dlg, &recovered->routes);
	/*
	 * Unfrozen, pjsip takes the route set anew from the Record-Route of the answer. A phone that copies none into its
	 * answer to a re-INVITE (RFC 3261 section 12.2.2 does not ask for it) would leave it empty, and our ACK and BYE
	 * would go past the proxies.
	 */
	dlg->route_set_frozen = PJ_TRUE;
	return RECOVERY_OK;
}

static void remove_all(pjsip_msg *msg, pjsip_hdr_e type)
{
	while (pjsip_msg_find_remove_hdr(msg, type, NULL)) {
		/* The next one. */
	}
}

static void set_message_party(pjsip_tx_data *tdata, pjsip_fromto_hdr *header, const pjsip_fromto_hdr *recovered)
{
	header->uri = pjsip_uri_clone(tdata->pool, recovered->uri);
	pj_strdup(tdata->pool, &header->tag, &recovered->tag);
}

enum recovery_code recovery_rewrite_request(pjsip_tx_data *tdata, const struct recovery_dialog *recovered)
{
	pjsip_msg *msg = tdata->msg;
	pjsip_cid_hdr *call_id = pjsip_msg_find_hdr(msg, PJSIP_H_CALL_ID, NULL);
	pjsip_fromto_hdr *from = pjsip_msg_find_hdr(msg, PJSIP_H_FROM, NULL);
	pjsip_fromto_hdr *to = pjsip_msg_find_hdr(msg, PJSIP_H_TO, NULL);
	const pjsip_route_hdr *route;

	if (!call_id || !from || !to) {
		return RECOVERY_REWRITE_FAILED;
	}
	/* A message that went out by a strict route has its Request-URI and first Route swapped until this. */
	pjsip_restore_strict_route_set(tdata);
	pj_strdup(tdata->pool, &call_id->id, &recovered->call_id);
	set_message_party(tdata, from, recovered->from);
	set_message_party(tdata, to, recovered->to);
	msg->line.req.uri = pjsip_uri_clone(tdata->pool, recovered->request_uri);

	/* Whatever the endpoint's outbound proxy put there; a Record-Route of ours would make proxies loop. */
	remove_all(msg, PJSIP_H_ROUTE);
	remove_all(msg, PJSIP_H_RECORD_ROUTE);
	for (route = recovered->routes.next; route != &recovered->routes; route = route->next) {
		pjsip_msg_add_hdr(msg, pjsip_hdr_clone(tdata->pool, route));
	}
	/* One that is sent again with credentials was printed before. */
	pjsip_tx_data_invalidate_msg(tdata);
	return RECOVERY_OK;
}

void recovery_make_unsendable(pjsip_tx_data *tdata)
{
	static const pj_str_t scheme = { "refused", 7 };
	pjsip_other_uri *nowhere = pjsip_other_uri_create(tdata->pool);

	pjsip_restore_strict_route_set(tdata);
	remove_all(tdata->msg, PJSIP_H_ROUTE);
	nowhere->scheme = scheme;
	/* pjsip makes no transaction for a message whose next hop is no SIP URI (PJSIP_ENOROUTESET). */
	tdata->msg->line.req.uri = (pjsip_uri *) nowhere;
}
