/*
 * Reinvite: gives a session the streams of a recovered one: Asterisk's topology, hold, and the form of each stream's SRTP.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#include "asterisk.h"

#include <pjlib.h>

#include "asterisk/channel.h"
#include "asterisk/format_cap.h"
#include "asterisk/res_pjsip.h"
#include "asterisk/res_pjsip_session.h"
#include "asterisk/stream.h"

#include "recovery.h"

static enum ast_media_type type_of(const pjmedia_sdp_media *media)
{
	char kind[16];

	ast_copy_pj_str(kind, &media->desc.media, sizeof(kind));
	return ast_media_type_from_str(kind);
}

int recovery_stream_is_offered(const pjmedia_sdp_media *media)
{
	enum ast_media_type type = type_of(media);

	return media->desc.port && (type == AST_MEDIA_TYPE_AUDIO || type == AST_MEDIA_TYPE_VIDEO);
}

/*! Asterisk refuses an answer of another form than its endpoint's, and ends the call: such an offer must not leave. */
static int can_encrypt(const struct ast_sip_endpoint *endpoint, const pjmedia_sdp_media *media)
{
	const pj_str_t *profile = &media->desc.transport;
	int is_feedback = profile->ptr[profile->slen - 1] == 'F';

	if (!endpoint->media.rtp.use_received_transport && is_feedback != !!endpoint->media.rtp.use_avpf) {
		return 0;
	}
	switch (recovery_stream_encryption(media)) {
	case RECOVERY_ENCRYPTION_NONE:
		return endpoint->media.rtp.encryption == AST_SIP_MEDIA_ENCRYPT_NONE || endpoint->media.rtp.encryption_optimistic;
	case RECOVERY_ENCRYPTION_SDES:
		return endpoint->media.rtp.encryption == AST_SIP_MEDIA_ENCRYPT_SDES;
	case RECOVERY_ENCRYPTION_DTLS:
		return endpoint->media.rtp.encryption == AST_SIP_MEDIA_ENCRYPT_DTLS;
	default:
		return 1;
	}
}

static enum ast_stream_state state_of(const pjmedia_sdp_media *media)
{
	const char *direction = recovery_stream_direction(media);

	if (!strcmp(direction, "sendonly")) {
		return AST_STREAM_STATE_SENDONLY;
	}
	if (!strcmp(direction, "recvonly")) {
		return AST_STREAM_STATE_RECVONLY;
	}
	return strcmp(direction, "inactive") ? AST_STREAM_STATE_SENDRECV : AST_STREAM_STATE_INACTIVE;
}

/*!
 * Asterisk takes the first stream of a type for the default one, also one that is off, and writes those that are off of
 * these two types only. What it writes of them is replaced later.
 */
static enum ast_media_type type_in_topology(const pjmedia_sdp_media *media, unsigned int index, unsigned int audio)
{
	if (recovery_stream_is_offered(media)) {
		return type_of(media);
	}
	return index > audio ? AST_MEDIA_TYPE_AUDIO : AST_MEDIA_TYPE_VIDEO;
}

/*! \return NULL where the endpoint cannot offer it */
static struct ast_stream *make_stream(const struct ast_sip_endpoint *endpoint, const pjmedia_sdp_media *media,
	unsigned int index, unsigned int audio)
{
	enum ast_media_type type = type_in_topology(media, index, audio);
	struct ast_format_cap *formats = NULL;
	struct ast_stream *stream;
	char name[32];

	if (recovery_stream_is_offered(media)) {
		formats = can_encrypt(endpoint, media) ? recovery_formats(endpoint, media) : NULL;
		if (!formats || !ast_format_cap_count(formats)) {
			ao2_cleanup(formats);
			return NULL;
		}
	}
	snprintf(name, sizeof(name), "%s-%u", ast_codec_media_type2str(type), index);
	stream = ast_stream_alloc(name, type);
	if (stream && formats) {
		ast_stream_set_formats(stream, formats);
		/* Hold is what the default audio stream has a direction by. */
		ast_stream_set_state(stream, index == audio ? AST_STREAM_STATE_SENDRECV : state_of(media));
	} else if (stream) {
		ast_stream_set_state(stream, AST_STREAM_STATE_REMOVED);
	}
	ao2_cleanup(formats);
	return stream;
}

/*! \return the index of the stream that Asterisk takes for the call's voice, or the count of streams */
static unsigned int default_audio(const pjmedia_sdp_session *streams)
{
	unsigned int i;

	for (i = 0; i < streams->media_count; i++) {
		if (recovery_stream_is_offered(streams->media[i]) && type_of(streams->media[i]) == AST_MEDIA_TYPE_AUDIO) {
			break;
		}
	}
	return i;
}

struct ast_stream_topology *recovery_topology(const struct ast_sip_endpoint *endpoint,
	const pjmedia_sdp_session *streams)
{
	struct ast_stream_topology *topology = ast_stream_topology_alloc();
	unsigned int audio = default_audio(streams);
	unsigned int offered = 0;
	unsigned int i;

	for (i = 0; topology && i < streams->media_count; i++) {
		struct ast_stream *stream = make_stream(endpoint, streams->media[i], i, audio);

		offered += recovery_stream_is_offered(streams->media[i]);
		if (!stream || ast_stream_topology_append_stream(topology, stream) < 0) {
			ast_stream_free(stream);
			ast_stream_topology_free(topology);
			return NULL;
		}
	}
	if (!offered) {
		ast_stream_topology_free(topology);
		return NULL;
	}
	return topology;
}

/*! The channel is what a bridge asks when it is left whether there is a hold to end. */
static void remember_our_hold(struct ast_sip_session *session)
{
	ast_channel_lock(session->channel);
	ast_channel_hold_state_set(session->channel, AST_CONTROL_HOLD);
	ast_channel_unlock(session->channel);
}

static void set_hold(struct ast_sip_session *session, struct ast_sip_session_media *media, const pjmedia_sdp_media *said)
{
	if (recovery_stream_is_held(said, "local")) {
		media->locally_held = 1;
		remember_our_hold(session);
	}
	if (recovery_stream_is_held(said, "remote")) {
		/* Changed: the answer then tells the channel of it, as that to the phone's own re-INVITE had done. */
		media->remotely_held = 1;
		media->remotely_held_changed = 1;
	}
}

static void set_mid(struct ast_sip_session_media *media, const pjmedia_sdp_media *said)
{
	const pjmedia_sdp_attr *mid = pjmedia_sdp_media_find_attr2(said, "mid", NULL);

	/* Only streams of a bundle have one. */
	if (mid && media->mid) {
		ast_free(media->mid);
		media->mid = ast_strndup(mid->value.ptr, mid->value.slen);
	}
}

static void set_encryption(struct ast_sip_session *session, struct ast_sip_session_media *media,
	const pjmedia_sdp_media *said)
{
	switch (recovery_stream_encryption(said)) {
	case RECOVERY_ENCRYPTION_NONE:
		media->encryption = AST_SIP_MEDIA_ENCRYPT_NONE;
		break;
	case RECOVERY_ENCRYPTION_SDES:
		media->encryption = AST_SIP_MEDIA_ENCRYPT_SDES;
		break;
	case RECOVERY_ENCRYPTION_DTLS:
		media->encryption = AST_SIP_MEDIA_ENCRYPT_DTLS;
		break;
	default:
		return;
	}
	pj_strdup(session->inv_session->pool, &media->transport, &said->desc.transport);
}

int recovery_set_streams(struct ast_sip_session *session, const pjmedia_sdp_session *streams)
{
	unsigned int audio = default_audio(streams);
	unsigned int i;

	for (i = 0; i < streams->media_count; i++) {
		const pjmedia_sdp_media *said = streams->media[i];
		struct ast_stream *stream = ast_stream_topology_get_stream(session->pending_media_state->topology, i);
		struct ast_sip_session_media *media =
			ast_sip_session_media_state_add(session, session->pending_media_state, ast_stream_get_type(stream), i);

		if (!media) {
			return -1;
		}
		if (!recovery_stream_is_offered(said)) {
			continue;
		}
		set_encryption(session, media, said);
		set_mid(media, said);
		media->remote_ice = recovery_stream_ice(said, media->remote_ice);
		if (i == audio) {
			set_hold(session, media, said);
		}
	}
	return 0;
}
