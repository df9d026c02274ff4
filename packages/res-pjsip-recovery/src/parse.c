/*
 * Reinvite: validates what the PJSIP_RECOVERY_* variables say and makes pjsip's structures of it.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#include "asterisk.h"

#include "asterisk/strings.h"

#include "recovery.h"

/*! What parsing needs at hand. */
struct parsing {
	const struct recovery_values *values;
	pj_pool_t *pool;
	/*! The variable that is being parsed. */
	enum recovery_variable at;
};

/*! Starts with a variable. \return its value */
static const pj_str_t *take(struct parsing *parsing, enum recovery_variable variable)
{
	parsing->at = variable;
	return &parsing->values->of[variable];
}

/*! A line break or another control character would let a value write headers of its own. */
static int is_clean(const pj_str_t *value, pj_ssize_t max)
{
	pj_ssize_t i;

	for (i = 0; i < value->slen; i++) {
		if ((unsigned char) value->ptr[i] < 0x20 || value->ptr[i] == 0x7f) {
			return 0;
		}
	}
	return value->slen <= max;
}

/*! pjsip's parsers write into what they read, and what they make points into it. */
static char *writable_copy(pj_pool_t *pool, const pj_str_t *value)
{
	pj_str_t copy;

	pj_strdup_with_null(pool, &copy, value);
	return copy.ptr;
}

/*! pjsip and Asterisk print URIs into buffers of this size, escaped characters included. */
static int is_printable(const void *uri)
{
	char buffer[PJSIP_MAX_URL_SIZE];

	return pjsip_uri_print(PJSIP_URI_IN_FROMTO_HDR, uri, buffer, sizeof(buffer)) > 0;
}

static int is_sip(const void *uri)
{
	const pjsip_sip_uri *sip;

	if (!PJSIP_URI_SCHEME_IS_SIP(uri) && !PJSIP_URI_SCHEME_IS_SIPS(uri)) {
		return 0;
	}
	sip = pjsip_uri_get_uri(uri);
	return sip->host.slen > 0;
}

/*! \return a URI without a display name around it, or NULL */
static pjsip_uri *parse_uri(struct parsing *parsing, const pj_str_t *value)
{
	pjsip_uri *uri = NULL;

	if (value->slen) {
		uri = pjsip_parse_uri(parsing->pool, writable_copy(parsing->pool, value), value->slen, 0);
	}
	return uri && is_printable(uri) ? pjsip_uri_get_uri(uri) : NULL;
}

/*!
 * pjsip compares a tag with what its own parser made of a From or To header: this one must have gone the same way.
 * \return NULL where it is no tag
 */
static pjsip_fromto_hdr *parse_tag(struct parsing *parsing, const pj_str_t *tag, int is_from)
{
	static const pj_str_t from_name = { "From", 4 };
	static const pj_str_t to_name = { "To", 2 };
	static const char before[] = "<sip:party.invalid>;tag=";
	pj_str_t text;
	pjsip_fromto_hdr *header;
	int parsed = 0;

	if (!tag->slen) {
		return NULL;
	}
	text.ptr = pj_pool_alloc(parsing->pool, sizeof(before) + tag->slen);
	pj_strcpy2(&text, before);
	pj_strcat(&text, tag);
	text.ptr[text.slen] = '\0';
	header = pjsip_parse_hdr(parsing->pool, is_from ? &from_name : &to_name, text.ptr, text.slen, &parsed);
	/* A quoted tag is none (RFC 3261 section 19.3), and more parameters would come with one that has a semicolon. */
	if (!header || parsed != text.slen || !header->tag.slen || *header->tag.ptr == '"'
		|| !pj_list_empty(&header->other_param)) {
		return NULL;
	}
	return header;
}

/*! Whether it can stand between quotes as it is (RFC 3261 section 25.1, quoted-string). */
static int is_escaped(const pj_str_t *display)
{
	pj_ssize_t i;

	for (i = 0; i < display->slen; i++) {
		if (display->ptr[i] == '"' || (display->ptr[i] == '\\' && ++i == display->slen)) {
			return 0;
		}
	}
	return 1;
}

/*! pjsip writes a display name between quotes as it is. One that would break out of them is escaped. */
static pj_str_t escape_display(pj_pool_t *pool, const pj_str_t *display)
{
	pj_str_t escaped;
	pj_ssize_t i;

	if (is_escaped(display)) {
		return *display;
	}
	escaped.ptr = pj_pool_alloc(pool, 2 * display->slen);
	escaped.slen = 0;
	for (i = 0; i < display->slen; i++) {
		if (display->ptr[i] == '"' || display->ptr[i] == '\\') {
			escaped.ptr[escaped.slen++] = '\\';
		}
		escaped.ptr[escaped.slen++] = display->ptr[i];
	}
	return escaped;
}

static enum recovery_code parse_party(struct parsing *parsing, int is_from, pjsip_fromto_hdr **party)
{
	pjsip_name_addr *address = pjsip_name_addr_create(parsing->pool);
	const pj_str_t *display = take(parsing, is_from ? RECOVERY_VAR_FROM_DISPLAY : RECOVERY_VAR_TO_DISPLAY);

	address->display = escape_display(parsing->pool, display);
	*party = parse_tag(parsing, take(parsing, is_from ? RECOVERY_VAR_FROM_TAG : RECOVERY_VAR_TO_TAG), is_from);
	if (!*party) {
		return is_from ? RECOVERY_FROM_TAG_MISSING : RECOVERY_TO_TAG_MISSING;
	}
	address->uri = parse_uri(parsing, take(parsing, is_from ? RECOVERY_VAR_FROM_URI : RECOVERY_VAR_TO_URI));
	if (!address->uri || (!is_sip(address->uri) && !PJSIP_URI_SCHEME_IS_TEL(address->uri))) {
		return is_from ? RECOVERY_FROM_URI_INVALID : RECOVERY_TO_URI_INVALID;
	}
	(*party)->uri = (pjsip_uri *) address;
	return RECOVERY_OK;
}

/*! \return 0 where the value is no positive number of 31 bits */
static pj_int32_t parse_cseq(const pj_str_t *value)
{
	long long number = 0;
	pj_ssize_t i;

	for (i = 0; i < value->slen; i++) {
		if (value->ptr[i] < '0' || value->ptr[i] > '9') {
			return 0;
		}
		number = number * 10 + (value->ptr[i] - '0');
		if (number > 0x7fffffffLL) {
			return 0;
		}
	}
	return (pj_int32_t) number;
}

/*! "sip:a;lr,sip:b;lr", which VoIPBin's patch takes too, as "<sip:a;lr>,<sip:b;lr>"; what has brackets stays as it is. */
static char *bracket_routes(pj_pool_t *pool, const pj_str_t *value)
{
	/* Each of at most slen + 1 entries gets two characters more. */
	char *text = pj_pool_alloc(pool, 3 * value->slen + 4);
	char *rest = writable_copy(pool, value);
	char *at = text;
	char *entry;

	if (strchr(rest, '<')) {
		return rest;
	}
	while ((entry = strsep(&rest, ","))) {
		at += sprintf(at, "<%s>%s", ast_strip(entry), rest ? "," : "");
	}
	return text;
}

/*! What stands before the bracket is a display name to pjsip, also the comma of an empty entry. */
static int is_route(const pjsip_name_addr *address)
{
	return is_sip(address->uri) && is_printable(address)
		&& (!address->display.slen || (*address->display.ptr != ',' && is_escaped(&address->display)));
}

static enum recovery_code parse_routes(struct parsing *parsing, pjsip_route_hdr *routes)
{
	static const pj_str_t route_name = { "Route", 5 };
	const pj_str_t *value = take(parsing, RECOVERY_VAR_ROUTES);
	pjsip_route_hdr *route;
	char *text;
	int parsed = 0;

	pj_list_init(routes);
	if (!value->slen) {
		value = take(parsing, RECOVERY_VAR_RECORD_ROUTES);
	}
	if (!value->slen) {
		return RECOVERY_OK;
	}
	text = bracket_routes(parsing->pool, value);
	route = pjsip_parse_hdr(parsing->pool, &route_name, text, strlen(text), &parsed);
	if (!route || parsed != strlen(text)) {
		return RECOVERY_ROUTES_INVALID;
	}
	pj_list_insert_nodes_before(routes, route);
	if (pj_list_size(routes) > RECOVERY_ROUTES_MAX) {
		return RECOVERY_ROUTES_INVALID;
	}
	for (route = routes->next; route != routes; route = route->next) {
		if (!is_route(&route->name_addr)) {
			return RECOVERY_ROUTES_INVALID;
		}
	}
	return RECOVERY_OK;
}

/*! Each of these may be missing, and is left to Asterisk then. */
static enum recovery_code parse_session(struct parsing *parsing, struct recovery_session *session)
{
	const pj_str_t *value = take(parsing, RECOVERY_VAR_SDP_ORIGIN);

	memset(session, 0, sizeof(*session));
	session->transport = PJSIP_TRANSPORT_UNSPECIFIED;
	if (value->slen && recovery_parse_origin(value, &session->origin)) {
		return RECOVERY_SDP_ORIGIN_INVALID;
	}
	value = take(parsing, RECOVERY_VAR_SDP_STREAMS);
	if (value->slen && !(session->streams = recovery_parse_streams(value, parsing->pool))) {
		return RECOVERY_SDP_STREAMS_INVALID;
	}
	value = take(parsing, RECOVERY_VAR_SESSION_EXPIRES);
	if (value->slen && recovery_parse_expires(value, session)) {
		return RECOVERY_SESSION_EXPIRES_INVALID;
	}
	value = take(parsing, RECOVERY_VAR_TRANSPORT);
	return value->slen && recovery_parse_transport(value, session) ? RECOVERY_TRANSPORT_INVALID : RECOVERY_OK;
}

static int is_call_id(const pj_str_t *value)
{
	return value->slen && !memchr(value->ptr, ' ', value->slen);
}

/*! \return the longest value that is taken, in bytes */
static pj_ssize_t longest(enum recovery_variable variable)
{
	switch (variable) {
	case RECOVERY_VAR_SDP_STREAMS:
		return RECOVERY_STREAMS_MAX;
	case RECOVERY_VAR_ROUTES:
	case RECOVERY_VAR_RECORD_ROUTES:
		return RECOVERY_ROUTES_TEXT_MAX;
	default:
		return RECOVERY_VALUE_MAX;
	}
}

static enum recovery_code parse_all(struct parsing *parsing, struct recovery_dialog *dialog)
{
	int variable;
	enum recovery_code code;

	for (variable = 0; variable < RECOVERY_VAR_COUNT; variable++) {
		if (!is_clean(take(parsing, variable), longest(variable))) {
			return RECOVERY_VALUE_INVALID;
		}
	}
	dialog->call_id = *take(parsing, RECOVERY_VAR_CALL_ID);
	if (!is_call_id(&dialog->call_id)) {
		return RECOVERY_CALL_ID_MISSING;
	}
	if ((code = parse_party(parsing, 1, &dialog->from)) || (code = parse_party(parsing, 0, &dialog->to))) {
		return code;
	}
	dialog->request_uri = parse_uri(parsing, take(parsing, RECOVERY_VAR_REQUEST_URI));
	if (!dialog->request_uri || !is_sip(dialog->request_uri)) {
		return RECOVERY_REQUEST_URI_INVALID;
	}
	dialog->cseq = parse_cseq(take(parsing, RECOVERY_VAR_CSEQ));
	if (!dialog->cseq) {
		return RECOVERY_CSEQ_INVALID;
	}
	if ((code = parse_routes(parsing, &dialog->routes))) {
		return code;
	}
	return parse_session(parsing, &dialog->session);
}

enum recovery_code recovery_parse(const struct recovery_values *values, pj_pool_t *pool, struct recovery_dialog *dialog,
	enum recovery_variable *wrong)
{
	struct parsing parsing = { .values = values, .pool = pool };
	enum recovery_code code = parse_all(&parsing, dialog);

	*wrong = parsing.at;
	return code;
}
