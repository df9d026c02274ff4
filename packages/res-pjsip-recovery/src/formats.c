/*
 * Reinvite: the formats of a stream, in their order and under the payload types that they had.
 *
 * A payload type that has meant a codec means it for as long as the session lives (RFC 3264 section 8.3.2), and Asterisk
 * numbers the dynamic ones by its own list. This goes the way that Asterisk goes with the offer of a peer.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#include "asterisk.h"

#include <pjlib.h>

#include "asterisk/format.h"
#include "asterisk/format_cap.h"
#include "asterisk/res_pjsip.h"
#include "asterisk/res_pjsip_session.h"
#include "asterisk/rtp_engine.h"
#include "asterisk/strings.h"

#include "recovery.h"

/*! Long enough for the names of what Asterisk knows; longer ones it does not know. */
#define NAME_SIZE 64
#define PARAMETERS_SIZE 512

/*! What does not fit is left empty: half a name would be another one. */
static void copy_text(char *to, size_t size, const pj_str_t *from)
{
	ast_copy_string(to, "", size);
	if (from->slen > 0 && (size_t) from->slen < size) {
		memcpy(to, from->ptr, from->slen);
		to[from->slen] = '\0';
	}
}

static void set_parameters(struct ast_rtp_codecs *codecs, const pjmedia_sdp_media *stream, int payload)
{
	char number[8];
	char parameters[PARAMETERS_SIZE];
	pj_str_t format_number;
	const pjmedia_sdp_attr *attr;
	pjmedia_sdp_fmtp fmtp;
	struct ast_format *format;
	struct ast_format *parsed;

	snprintf(number, sizeof(number), "%d", payload);
	format_number = pj_str(number);
	attr = pjmedia_sdp_media_find_attr2(stream, "fmtp", &format_number);
	if (!attr || pjmedia_sdp_attr_get_fmtp(attr, &fmtp) != PJ_SUCCESS) {
		return;
	}
	format = ast_rtp_codecs_get_payload_format(codecs, payload);
	if (!format) {
		return;
	}
	copy_text(parameters, sizeof(parameters), &fmtp.fmt_param);
	parsed = ast_format_parse_sdp_fmtp(format, parameters);
	if (parsed) {
		ast_rtp_codecs_payload_replace_format(codecs, payload, parsed);
		ao2_ref(parsed, -1);
	}
	ao2_ref(format, -1);
}

static void add_payload(struct ast_rtp_codecs *codecs, const struct ast_sip_endpoint *endpoint,
	const pjmedia_sdp_media *stream, const pj_str_t *number)
{
	const pjmedia_sdp_attr *attr = pjmedia_sdp_media_find_attr2(stream, "rtpmap", number);
	enum ast_rtp_options options = endpoint->media.g726_non_standard ? AST_RTP_OPT_G726_NONSTANDARD : 0;
	int payload = pj_strtoul(number);
	pjmedia_sdp_rtpmap rtpmap;
	char kind[NAME_SIZE];
	char name[NAME_SIZE];

	if (!attr || pjmedia_sdp_attr_get_rtpmap(attr, &rtpmap) != PJ_SUCCESS) {
		return;
	}
	copy_text(kind, sizeof(kind), &stream->desc.media);
	copy_text(name, sizeof(name), &rtpmap.enc_name);
	ast_rtp_codecs_payloads_set_m_type(codecs, NULL, payload);
	ast_rtp_codecs_payloads_set_rtpmap_type_rate(codecs, NULL, payload, kind, name, options, rtpmap.clock_rate);
	if (!strcasecmp(name, "telephone-event")) {
		ast_rtp_codecs_set_preferred_dtmf_format(codecs, payload, rtpmap.clock_rate);
	}
	set_parameters(codecs, stream, payload);
}

/*! What is made has to be destroyed. */
static void read_codecs(struct ast_rtp_codecs *codecs, const struct ast_sip_endpoint *endpoint,
	const pjmedia_sdp_media *stream)
{
	unsigned int i;

	ast_rtp_codecs_payloads_initialize(codecs);
	for (i = 0; i < stream->desc.fmt_count; i++) {
		add_payload(codecs, endpoint, stream, &stream->desc.fmt[i]);
	}
}

struct ast_format_cap *recovery_formats(const struct ast_sip_endpoint *endpoint, const pjmedia_sdp_media *stream)
{
	struct ast_format_cap *formats = ast_format_cap_alloc(AST_FORMAT_CAP_FLAG_DEFAULT);
	struct ast_rtp_codecs codecs = AST_RTP_CODECS_NULL_INIT;
	unsigned int i;

	if (!formats) {
		return NULL;
	}
	read_codecs(&codecs, endpoint, stream);
	for (i = 0; i < stream->desc.fmt_count; i++) {
		struct ast_format *format = ast_rtp_codecs_get_payload_format(&codecs, pj_strtoul(&stream->desc.fmt[i]));
		struct ast_format *joint = format ? ast_format_cap_get_compatible_format(endpoint->media.codecs, format) : NULL;

		if (joint) {
			ast_format_cap_append(formats, joint, 0);
		}
		ao2_cleanup(joint);
		ao2_cleanup(format);
	}
	ast_rtp_codecs_payloads_destroy(&codecs);
	return formats;
}

void recovery_keep_payload_types(const struct ast_sip_endpoint *endpoint, const pjmedia_sdp_media *stream,
	struct ast_rtp_instance *rtp)
{
	struct ast_rtp_codecs codecs = AST_RTP_CODECS_NULL_INIT;

	read_codecs(&codecs, endpoint, stream);
	ast_rtp_codecs_payloads_xover(&codecs, &codecs, NULL);
	ast_rtp_codecs_payloads_copy(&codecs, ast_rtp_instance_get_codecs(rtp), rtp);
	ast_rtp_codecs_payloads_destroy(&codecs);
}

/*! \return whether the format of that number is one of events, and its clock rate */
static int is_event(const pjmedia_sdp_media *stream, const pj_str_t *number, unsigned int *rate)
{
	static const pj_str_t name = { "telephone-event", 15 };
	const pjmedia_sdp_attr *attr = pjmedia_sdp_media_find_attr2(stream, "rtpmap", number);
	pjmedia_sdp_rtpmap rtpmap;

	if (!attr || pjmedia_sdp_attr_get_rtpmap(attr, &rtpmap) != PJ_SUCCESS || pj_stricmp(&rtpmap.enc_name, &name)) {
		return 0;
	}
	*rate = rtpmap.clock_rate;
	return 1;
}

/*! \return its number there, or NULL */
static const pj_str_t *find_event(const pjmedia_sdp_media *stream, unsigned int wanted)
{
	unsigned int i;

	for (i = 0; i < stream->desc.fmt_count; i++) {
		unsigned int rate;

		if (is_event(stream, &stream->desc.fmt[i], &rate) && rate == wanted) {
			return &stream->desc.fmt[i];
		}
	}
	return NULL;
}

/*! What such an attribute says begins with the number of the format. */
static void renumber_attribute(pj_pool_t *pool, pjmedia_sdp_attr *attr, const pj_str_t *from, const pj_str_t *to)
{
	pj_str_t value;

	if (!attr) {
		return;
	}
	value.ptr = pj_pool_alloc(pool, attr->value.slen + to->slen + 1);
	pj_strcpy(&value, to);
	memcpy(value.ptr + to->slen, attr->value.ptr + from->slen, attr->value.slen - from->slen);
	value.slen = attr->value.slen - from->slen + to->slen;
	value.ptr[value.slen] = '\0';
	attr->value = value;
}

void recovery_keep_event_types(pj_pool_t *pool, pjmedia_sdp_media *offered, const pjmedia_sdp_media *stream)
{
	unsigned int i;

	for (i = 0; i < offered->desc.fmt_count; i++) {
		pj_str_t *number = &offered->desc.fmt[i];
		unsigned int rate;
		const pj_str_t *before = is_event(offered, number, &rate) ? find_event(stream, rate) : NULL;

		/* A number that another format has by now stays with it. */
		if (!before || !pj_strcmp(before, number) || pjmedia_sdp_media_find_attr2(offered, "rtpmap", before)) {
			continue;
		}
		renumber_attribute(pool, pjmedia_sdp_media_find_attr2(offered, "rtpmap", number), number, before);
		renumber_attribute(pool, pjmedia_sdp_media_find_attr2(offered, "fmtp", number), number, before);
		pj_strdup(pool, number, before);
	}
}
