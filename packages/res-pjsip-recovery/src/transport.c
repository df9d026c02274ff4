/*
 * Reinvite: by which of this node's transports a recovered dialog reaches its peer.
 *
 * A dialog goes on over the kind of transport that it had: a TCP or TLS leg is never continued over UDP, whatever transport
 * the endpoint prefers. Where the next hop's URI says the kind itself, it counts, as in every request of the dialog.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#include "asterisk.h"

#include <pjlib.h>

#include "asterisk/astobj2.h"
#include "asterisk/res_pjsip.h"
#include "asterisk/res_pjsip_session.h"

#include "recovery.h"

enum family {
	FAMILY_ANY,
	FAMILY_IP4,
	FAMILY_IP6
};

struct wanted {
	/*! Of IPv4. */
	pjsip_transport_type_e type;
	enum family family;
};

static const pjsip_sip_uri *next_hop(const struct recovery_dialog *recovered)
{
	if (pj_list_empty(&recovered->routes)) {
		return pjsip_uri_get_uri(recovered->request_uri);
	}
	return pjsip_uri_get_uri(recovered->routes.next->name_addr.uri);
}

/*! Looks nothing up: a name may stand for either. */
static enum family family_of(const pj_str_t *host)
{
	pj_in_addr address;

	if (pj_strchr(host, ':')) {
		return FAMILY_IP6;
	}
	return pj_inet_pton(pj_AF_INET(), host, &address) == PJ_SUCCESS ? FAMILY_IP4 : FAMILY_ANY;
}

static struct wanted wanted_by(const struct recovery_dialog *recovered)
{
	const pjsip_sip_uri *hop = next_hop(recovered);
	struct wanted wanted = { .type = recovered->session.transport, .family = family_of(&hop->host) };

	if (PJSIP_URI_SCHEME_IS_SIPS(hop)) {
		wanted.type = PJSIP_TRANSPORT_TLS;
	} else if (hop->transport_param.slen) {
		wanted.type = pjsip_transport_get_type_from_name(&hop->transport_param) & ~PJSIP_TRANSPORT_IPV6;
	}
	return wanted;
}

static int fits(const struct ast_sip_transport_state *state, const struct wanted *wanted)
{
	int type;

	if (state->factory) {
		type = state->factory->type;
	} else if (state->transport) {
		type = state->transport->key.type;
	} else {
		return 0;
	}
	return (type & ~PJSIP_TRANSPORT_IPV6) == wanted->type
		&& (wanted->family == FAMILY_ANY || (wanted->family == FAMILY_IP6) == !!(type & PJSIP_TRANSPORT_IPV6));
}

/*! \return a reference to the endpoint's own transport where that fits, otherwise to another one, or NULL */
static struct ast_sip_transport_state *find(const char *preferred, const struct wanted *wanted)
{
	struct ao2_container *states = ast_sip_get_transport_states();
	struct ast_sip_transport_state *found = NULL;
	struct ast_sip_transport_state *state;
	struct ao2_iterator at;

	if (!states) {
		return NULL;
	}
	at = ao2_iterator_init(states, 0);
	for (; (state = ao2_iterator_next(&at)); ao2_ref(state, -1)) {
		if (fits(state, wanted) && (!found || !strcmp(state->id, preferred))) {
			ao2_replace(found, state);
		}
	}
	ao2_iterator_destroy(&at);
	ao2_ref(states, -1);
	return found;
}

enum recovery_code recovery_choose_transport(struct ast_sip_session *session, const struct recovery_dialog *recovered)
{
	pjsip_tpselector selector = { .type = PJSIP_TPSELECTOR_NONE, };
	struct wanted wanted = wanted_by(recovered);
	struct ast_sip_transport_state *state;
	enum recovery_code code = RECOVERY_TRANSPORT_MISSING;

	/* A WebSocket cannot be opened from here: pjsip takes the connection that the phone has made, where there is one. */
	if (recovered->session.transport == PJSIP_TRANSPORT_UNSPECIFIED || (wanted.type != PJSIP_TRANSPORT_UDP
		&& wanted.type != PJSIP_TRANSPORT_TCP && wanted.type != PJSIP_TRANSPORT_TLS)) {
		return RECOVERY_OK;
	}
	state = find(session->endpoint->transport, &wanted);
	if (state && !ast_sip_set_tpselector_from_transport_name(state->id, &selector)) {
		if (pjsip_dlg_set_transport(session->inv_session->dlg, &selector) == PJ_SUCCESS) {
			code = RECOVERY_OK;
		}
		ast_sip_tpselector_unref(&selector);
	}
	ao2_cleanup(state);
	return code;
}

int recovery_parse_transport(const pj_str_t *value, struct recovery_session *session)
{
	if (!pj_stricmp2(value, "udp")) {
		session->transport = PJSIP_TRANSPORT_UDP;
	} else if (!pj_stricmp2(value, "tcp")) {
		session->transport = PJSIP_TRANSPORT_TCP;
	} else if (!pj_stricmp2(value, "tls")) {
		session->transport = PJSIP_TRANSPORT_TLS;
	} else if (pj_stricmp2(value, "ws") && pj_stricmp2(value, "wss")) {
		return -1;
	}
	return 0;
}
