/*
 * Reinvite: the offer of a recovering INVITE.
 *
 * Asterisk has made an INVITE with the offer of a new call. Here the session is given the streams of the recovered one, and
 * Asterisk makes its offer anew, so that what is sent, what pjmedia will negotiate and what Asterisk believes are one and the
 * same. Only what Asterisk has no way to be told is then written into the description: its origin, the direction of a stream
 * to the letter, and lines of streams that are switched off.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#include "asterisk.h"

#include <pjlib.h>
#include <pjmedia/sdp_neg.h>

#include "asterisk/channel.h"
#include "asterisk/format_cap.h"
#include "asterisk/res_pjsip.h"
#include "asterisk/res_pjsip_session.h"
#include "asterisk/rtp_engine.h"
#include "asterisk/sdp_srtp.h"
#include "asterisk/stream.h"

#include "recovery.h"

static enum ast_media_type type_of(const pjmedia_sdp_media *media)
{
	char kind[16];

	ast_copy_pj_str(kind, &media->desc.media, sizeof(kind));
	return ast_media_type_from_str(kind);
}

/*! Streams of other kinds hold what cannot be taken over (a fax half sent, say). They are offered as switched off. */
static int is_offered(const pjmedia_sdp_media *media)
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
	if (is_offered(media)) {
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

	if (is_offered(media)) {
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
		if (is_offered(streams->media[i]) && type_of(streams->media[i]) == AST_MEDIA_TYPE_AUDIO) {
			break;
		}
	}
	return i;
}

/*! \return NULL where one of the streams cannot be offered, or none is left */
static struct ast_stream_topology *make_topology(const struct ast_sip_endpoint *endpoint,
	const pjmedia_sdp_session *streams)
{
	struct ast_stream_topology *topology = ast_stream_topology_alloc();
	unsigned int audio = default_audio(streams);
	unsigned int offered = 0;
	unsigned int i;

	for (i = 0; topology && i < streams->media_count; i++) {
		struct ast_stream *stream = make_stream(endpoint, streams->media[i], i, audio);

		offered += is_offered(streams->media[i]);
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

/*! \return -1 where there is no memory for it */
static int set_sessions(struct ast_sip_session *session, const pjmedia_sdp_session *streams)
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
		if (!is_offered(said)) {
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

/*! Asterisk takes the suite of its own offers from its configuration; what has the tag length of the other keeps its keys. */
static void set_suite(struct ast_sip_session_media *media, const pjmedia_sdp_media *said)
{
	if (!media->srtp) {
		return;
	}
	if (recovery_stream_has_suite(said, "AES_CM_128_HMAC_SHA1_32")) {
		ast_clear_flag(media->srtp, AST_SRTP_CRYPTO_TAG_80);
		ast_set_flag(media->srtp, AST_SRTP_CRYPTO_TAG_32);
	} else if (recovery_stream_has_suite(said, "AES_CM_128_HMAC_SHA1_80")) {
		ast_clear_flag(media->srtp, AST_SRTP_CRYPTO_TAG_32);
		ast_set_flag(media->srtp, AST_SRTP_CRYPTO_TAG_80);
	}
}

/*! \return Asterisk's offer for the session as it is now; NULL where it cannot make one, and then the session is over */
static pjmedia_sdp_session *ask_asterisk(struct ast_sip_session *session)
{
	pjsip_inv_session *inv = session->inv_session;
	const pjmedia_sdp_session *offer = NULL;
	pjsip_tx_data *unused;

	/* A negotiator that has an offer takes no other. */
	inv->neg = NULL;
	if (ast_sip_session_create_invite(session, &unused)) {
		return NULL;
	}
	pjsip_tx_data_dec_ref(unused);
	return pjmedia_sdp_neg_get_neg_local(inv->neg, &offer) == PJ_SUCCESS
		? pjmedia_sdp_session_clone(inv->pool, offer) : NULL;
}

/*! The RTP instances, which Asterisk makes with its first offer, are what numbers the formats and has the keys. */
static pjmedia_sdp_session *offer_streams(struct ast_sip_session *session, const pjmedia_sdp_session *streams)
{
	unsigned int i;

	if (set_sessions(session, streams) || !ask_asterisk(session)) {
		return NULL;
	}
	for (i = 0; i < streams->media_count; i++) {
		struct ast_sip_session_media *media = AST_VECTOR_GET(&session->pending_media_state->sessions, i);

		if (is_offered(streams->media[i]) && media->rtp) {
			recovery_keep_payload_types(session->endpoint, streams->media[i], media->rtp);
			set_suite(media, streams->media[i]);
		}
	}
	return ask_asterisk(session);
}

static void set_direction(pj_pool_t *pool, pjmedia_sdp_media *media, const char *direction)
{
	pjmedia_sdp_media_remove_all_attr(media, "sendrecv");
	pjmedia_sdp_media_remove_all_attr(media, "sendonly");
	pjmedia_sdp_media_remove_all_attr(media, "recvonly");
	pjmedia_sdp_media_remove_all_attr(media, "inactive");
	pjmedia_sdp_media_add_attr(media, pjmedia_sdp_attr_create(pool, direction, NULL));
}

/*! \return -1 where a line is missing, or one that must be there is switched off */
static int complete_streams(pj_pool_t *pool, pjmedia_sdp_session *offer, const pjmedia_sdp_session *streams)
{
	unsigned int i;

	if (offer->media_count != streams->media_count) {
		return -1;
	}
	for (i = 0; i < offer->media_count; i++) {
		pjmedia_sdp_media *media = offer->media[i];
		const pjmedia_sdp_media *said = streams->media[i];

		if (is_offered(said)) {
			if (!media->desc.port) {
				return -1;
			}
			recovery_keep_event_types(pool, media, said);
			set_direction(pool, media, recovery_stream_direction(said));
			continue;
		}
		media->desc.media = said->desc.media;
		media->desc.transport = said->desc.transport;
		if (said->desc.fmt_count) {
			media->desc.fmt_count = said->desc.fmt_count;
			memcpy(media->desc.fmt, said->desc.fmt, sizeof(media->desc.fmt));
		}
	}
	return 0;
}

static void set_origin(pjmedia_sdp_session *offer, const struct recovery_origin *origin)
{
	if (!origin->is_known) {
		return;
	}
	offer->origin.id = origin->id;
	offer->origin.version = origin->version;
}

/*! As ast_sip_session_create_invite() does with Asterisk's own. */
static int take_offer(struct ast_sip_session *session, pjsip_tx_data *tdata, pjmedia_sdp_session *offer)
{
	pjsip_inv_session *inv = session->inv_session;
	pjsip_msg_body *body;

	if (pjmedia_sdp_neg_create_w_local_offer(inv->pool, offer, &inv->neg) != PJ_SUCCESS) {
		return -1;
	}
	pjmedia_sdp_neg_set_prefer_remote_codec_order(inv->neg, PJ_FALSE);
	if (!session->endpoint->preferred_codec_only) {
		pjmedia_sdp_neg_set_answer_multiple_codecs(inv->neg, PJ_TRUE);
	}
	if (pjsip_create_sdp_body(tdata->pool, pjmedia_sdp_session_clone(tdata->pool, offer), &body) != PJ_SUCCESS) {
		return -1;
	}
	tdata->msg->body = body;
	return 0;
}

enum recovery_code recovery_make_offer(struct ast_sip_session *session, pjsip_tx_data *tdata,
	const struct recovery_session *recovered)
{
	const pjmedia_sdp_session *streams = recovered->streams;
	pj_pool_t *pool = session->inv_session->pool;
	pjmedia_sdp_session *offer;

	if (!streams && !recovered->origin.is_known) {
		return RECOVERY_OK;
	}
	if (streams) {
		struct ast_stream_topology *topology = make_topology(session->endpoint, streams);

		if (!topology) {
			return RECOVERY_SDP_UNSUPPORTED;
		}
		ast_sip_session_media_state_reset(session->pending_media_state);
		session->pending_media_state->topology = topology;
		offer = offer_streams(session, streams);
	} else {
		offer = ask_asterisk(session);
	}
	if (!offer || (streams && complete_streams(pool, offer, streams))) {
		return RECOVERY_SDP_UNSUPPORTED;
	}
	set_origin(offer, &recovered->origin);
	return take_offer(session, tdata, offer) ? RECOVERY_SDP_UNSUPPORTED : RECOVERY_OK;
}
