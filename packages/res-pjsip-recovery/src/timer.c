/*
 * Reinvite: the session timer of a recovered dialog (RFC 4028).
 *
 * pjsip makes its timer out of the Session-Expires that the peer's 2xx has. What the INVITE has to do is to propose what was
 * in force, with the refresher: the peer that refreshed goes on doing so, and does not wait for us in vain.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#include "asterisk.h"

#include <ctype.h>

#include <pjlib.h>

#include "asterisk/res_pjsip.h"
#include "asterisk/res_pjsip_session.h"

#include "recovery.h"

/*! RFC 4028 section 4: no interval is shorter. */
#define SHORTEST 90

static void remove_header(pjsip_msg *msg, const char *name, const char *compact)
{
	pj_str_t full = pj_str((char *) name);
	pj_str_t brief = pj_str((char *) compact);
	pjsip_hdr *header;

	while ((header = pjsip_msg_find_hdr_by_names(msg, &full, &brief, NULL))) {
		pj_list_erase(header);
	}
}

/*! An endpoint that has timers off does not say so by itself. */
static void say_supported(pjsip_tx_data *tdata)
{
	static const pj_str_t timer = { "timer", 5 };
	pjsip_supported_hdr *supported = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_SUPPORTED, NULL);
	unsigned int i;

	if (!supported) {
		supported = pjsip_supported_hdr_create(tdata->pool);
		pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *) supported);
	}
	for (i = 0; i < supported->count; i++) {
		if (!pj_stricmp(&supported->values[i], &timer)) {
			return;
		}
	}
	if (supported->count < PJ_ARRAY_SIZE(supported->values)) {
		supported->values[supported->count++] = timer;
	}
}

enum recovery_code recovery_keep_timer(struct ast_sip_session *session, pjsip_tx_data *tdata,
	const struct recovery_session *recovered)
{
	pjsip_inv_session *inv = session->inv_session;
	pjsip_timer_setting setting = {
		.min_se = PJ_MIN(PJ_MAX(session->endpoint->extensions.timer.min_se, SHORTEST), recovered->expires),
		.sess_expires = recovered->expires,
	};
	pjsip_sess_expires_hdr *expires;
	pjsip_min_se_hdr *min_se;

	if (!recovered->expires) {
		return RECOVERY_OK;
	}
	inv->options |= PJSIP_INV_SUPPORT_TIMER;
	if (pjsip_timer_init_session(inv, &setting) != PJ_SUCCESS) {
		return RECOVERY_SESSION_EXPIRES_INVALID;
	}
	remove_header(tdata->msg, "Session-Expires", "x");
	remove_header(tdata->msg, "Min-SE", "Min-SE");
	expires = pjsip_sess_expires_hdr_create(tdata->pool);
	expires->sess_expires = setting.sess_expires;
	expires->refresher = recovered->refreshes ? pj_str("uac") : pj_str("uas");
	pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *) expires);
	min_se = pjsip_min_se_hdr_create(tdata->pool);
	min_se->min_se = setting.min_se;
	pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *) min_se);
	say_supported(tdata);
	return RECOVERY_OK;
}

int recovery_parse_expires(const pj_str_t *value, struct recovery_session *session)
{
	int end = 0;

	if (sscanf(value->ptr, "%10u;refresher=%n", &session->expires, &end) != 1 || !end || !isdigit(*value->ptr)
		|| session->expires < SHORTEST || session->expires > 0x7fffffff) {
		return -1;
	}
	session->refreshes = !strcmp(value->ptr + end, "uac");
	return session->refreshes || !strcmp(value->ptr + end, "uas") ? 0 : -1;
}
