/*
 * Reinvite: reads PJSIP_RECOVERY_SDP_ORIGIN and PJSIP_RECOVERY_SDP_STREAMS.
 *
 * The streams are the m= sections of a session description (RFC 8866), their lines joined by "|". Beside rtpmap, fmtp, mid
 * and the direction that is to be offered, a section may have
 *   a=held:local|remote|both                   who holds (nobody without it)
 *   a=encryption:none | sdes [SUITE] | dtls    the form that the stream had (as the endpoint does without it)
 *   a=ice:yes|no                               whether the stream used ICE (as the endpoint does without it)
 * and nothing else.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#include "asterisk.h"

#include <pjlib.h>

#include "asterisk/strings.h"
#include "asterisk/utils.h"

#include "recovery.h"

/*! What pjmedia wants around the sections. None of it is offered. */
#define AROUND "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"

static const char *const directions[] = { "sendrecv", "sendonly", "recvonly", "inactive" };
static const char *const flags[] = { "rtpmap", "fmtp", "mid", "held", "encryption", "ice" };

static int is_one_of(const pj_str_t *text, const char *const *words, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!pj_strcmp2(text, words[i])) {
			return 1;
		}
	}
	return 0;
}

static const pj_str_t *attribute(const pjmedia_sdp_media *stream, const char *name)
{
	const pjmedia_sdp_attr *found = pjmedia_sdp_media_find_attr2(stream, name, NULL);

	return found ? &found->value : NULL;
}

enum recovery_encryption recovery_stream_encryption(const pjmedia_sdp_media *stream)
{
	static const pj_str_t sdes_with_suite = { "sdes ", 5 };
	const pj_str_t *value = attribute(stream, "encryption");

	if (!value) {
		return RECOVERY_ENCRYPTION_ANY;
	}
	if (!pj_strcmp2(value, "sdes") || !pj_strncmp(value, &sdes_with_suite, sdes_with_suite.slen)) {
		return RECOVERY_ENCRYPTION_SDES;
	}
	return !pj_strcmp2(value, "dtls") ? RECOVERY_ENCRYPTION_DTLS : RECOVERY_ENCRYPTION_NONE;
}

int recovery_stream_has_suite(const pjmedia_sdp_media *stream, const char *suite)
{
	const pj_str_t *value = attribute(stream, "encryption");
	pj_str_t rest;

	if (!value || value->slen <= 5) {
		return 0;
	}
	rest.ptr = value->ptr + 5;
	rest.slen = value->slen - 5;
	return !pj_strcmp2(&rest, suite);
}

int recovery_stream_is_held(const pjmedia_sdp_media *stream, const char *by)
{
	const pj_str_t *value = attribute(stream, "held");

	return value && (!pj_strcmp2(value, by) || !pj_strcmp2(value, "both"));
}

const char *recovery_stream_direction(const pjmedia_sdp_media *stream)
{
	size_t i;

	for (i = 1; i < ARRAY_LEN(directions); i++) {
		if (pjmedia_sdp_media_find_attr2(stream, directions[i], NULL)) {
			return directions[i];
		}
	}
	return directions[0];
}

int recovery_stream_ice(const pjmedia_sdp_media *stream, int otherwise)
{
	const pj_str_t *value = attribute(stream, "ice");

	return value ? !pj_strcmp2(value, "yes") : otherwise;
}

static int is_right_attribute(const pjmedia_sdp_attr *attr)
{
	static const char *const holders[] = { "local", "remote", "both" };
	static const char *const forms[] = { "none", "sdes", "dtls" };
	static const char *const answers[] = { "yes", "no" };
	static const pj_str_t sdes_with_suite = { "sdes ", 5 };

	if (is_one_of(&attr->name, directions, ARRAY_LEN(directions))) {
		return !attr->value.slen;
	}
	if (!is_one_of(&attr->name, flags, ARRAY_LEN(flags)) || !attr->value.slen) {
		return 0;
	}
	if (!pj_strcmp2(&attr->name, "held")) {
		return is_one_of(&attr->value, holders, ARRAY_LEN(holders));
	}
	if (!pj_strcmp2(&attr->name, "ice")) {
		return is_one_of(&attr->value, answers, ARRAY_LEN(answers));
	}
	if (!pj_strcmp2(&attr->name, "encryption")) {
		return is_one_of(&attr->value, forms, ARRAY_LEN(forms))
			|| (attr->value.slen > 5 && !pj_strncmp(&attr->value, &sdes_with_suite, 5));
	}
	return 1;
}

/*! Payload types are read as numbers later on, and what is written of them as pjmedia wrote them. */
static int has_right_formats(const pjmedia_sdp_media *stream)
{
	unsigned int i;

	for (i = 0; i < stream->desc.fmt_count; i++) {
		const pjmedia_sdp_attr *attr = pjmedia_sdp_media_find_attr2(stream, "rtpmap", &stream->desc.fmt[i]);
		pjmedia_sdp_rtpmap rtpmap;
		unsigned long number;

		if (pj_strtoul3(&stream->desc.fmt[i], &number, 10) != PJ_SUCCESS || number > 127
			|| !attr || pjmedia_sdp_attr_get_rtpmap(attr, &rtpmap) != PJ_SUCCESS || !rtpmap.clock_rate) {
			return 0;
		}
	}
	return stream->desc.fmt_count > 0;
}

static int is_right_stream(const pjmedia_sdp_media *stream)
{
	unsigned int i;

	for (i = 0; i < stream->attr_count; i++) {
		if (!is_right_attribute(stream->attr[i])) {
			return 0;
		}
	}
	/* A stream that is not used need not have formats that anybody can use. */
	return stream->desc.media.slen && stream->desc.transport.slen && (!stream->desc.port || has_right_formats(stream));
}

/*! Turns the separators into line breaks. \return how many m= sections there are; 0 where another line is among them */
static unsigned int copy_lines(char *to, const pj_str_t *value)
{
	unsigned int sections = 0;
	pj_ssize_t i;

	for (i = 0; i < value->slen; i++) {
		if (i == 0 || value->ptr[i - 1] == '|') {
			if (i + 1 >= value->slen || value->ptr[i + 1] != '=' || (value->ptr[i] != 'm' && (value->ptr[i] != 'a' || !i))) {
				return 0;
			}
			sections += value->ptr[i] == 'm';
		}
		if (value->ptr[i] == '|') {
			*to++ = '\r';
			*to++ = '\n';
		} else {
			*to++ = value->ptr[i];
		}
	}
	strcpy(to, "\r\n"); /* Safe: the caller has room for it */
	return sections;
}

pjmedia_sdp_session *recovery_parse_streams(const pj_str_t *value, pj_pool_t *pool)
{
	/* A line break takes two characters where the separator took one. */
	char *text = pj_pool_alloc(pool, sizeof(AROUND) + 2 * value->slen + 3);
	pjmedia_sdp_session *parsed = NULL;
	unsigned int sections;
	unsigned int i;

	strcpy(text, AROUND); /* Safe */
	sections = copy_lines(text + strlen(AROUND), value);
	if (!sections || pjmedia_sdp_parse(pool, text, strlen(text), &parsed) != PJ_SUCCESS || !parsed
		|| parsed->media_count != sections) {
		return NULL;
	}
	for (i = 0; i < parsed->media_count; i++) {
		if (!is_right_stream(parsed->media[i])) {
			return NULL;
		}
	}
	return parsed;
}

/*! \return what follows the number, or NULL where there is none of 32 bits: pjmedia keeps no longer ones */
static const char *parse_number(const char *text, pj_uint32_t *number)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long long parsed = strtoull(text, NULL, 10);

	*number = (pj_uint32_t) parsed;
	return digits && digits <= 10 && parsed == *number ? text + digits : NULL;
}

int recovery_parse_origin(const pj_str_t *value, struct recovery_origin *origin)
{
	const char *rest = parse_number(value->ptr, &origin->id);

	if (!rest || *rest != ' ' || !(rest = parse_number(rest + 1, &origin->version)) || *rest
		|| origin->version == 0xffffffffU) {
		return -1;
	}
	origin->version++;
	origin->is_known = 1;
	return 0;
}
