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

#include "asterisk/res_pjsip.h"
#include "asterisk/res_pjsip_session.h"
#include "asterisk/rtp_engine.h"
#include "asterisk/sdp_srtp.h"
#include "asterisk/stream.h"

#include "recovery.h"

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

	if (recovery_set_streams(session, streams) || !ask_asterisk(session)) {
		return NULL;
	}
	for (i = 0; i < streams->media_count; i++) {
		struct ast_sip_session_media *media = AST_VECTOR_GET(&session->pending_media_state->sessions, i);

		if (recovery_stream_is_offered(streams->media[i]) && media->rtp) {
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

		if (recovery_stream_is_offered(said)) {
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
		struct ast_stream_topology *topology = recovery_topology(session->endpoint, streams);

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
