/*
 * Reinvite: recovery of PJSIP dialogs on a healthy Asterisk.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#ifndef REINVITE_RECOVERY_H
#define REINVITE_RECOVERY_H

#include <pjsip.h>
#include <pjsip_ua.h>
#include <pjmedia/sdp.h>

struct ast_channel;
struct ast_format_cap;
struct ast_rtp_instance;
struct ast_sip_endpoint;
struct ast_sip_session;
struct ast_stream_topology;

/*! Q.850 cause of a channel whose recovery was refused: "protocol error, unspecified". No SIP status maps to it. */
#define RECOVERY_REFUSED_CAUSE 111

/*! SIP status shown beside that cause where Asterisk keeps one: Bad Request. It was not received, nothing was sent. */
#define RECOVERY_REFUSED_STATUS 400

/*! Longest value that is taken from a channel variable, in bytes. */
#define RECOVERY_VALUE_MAX 2048

/*! Of PJSIP_RECOVERY_SDP_STREAMS, which may describe many streams. */
#define RECOVERY_STREAMS_MAX 8192

/*! Of PJSIP_RECOVERY_ROUTES and PJSIP_RECOVERY_RECORD-ROUTES: each proxy may have put a cookie into its own. */
#define RECOVERY_ROUTES_TEXT_MAX 8192

/*! Most entries that a route set may have. */
#define RECOVERY_ROUTES_MAX 16

/*! Why a recovery was refused; RECOVERY_OK is none of them. */
enum recovery_code {
	RECOVERY_OK = 0,
	RECOVERY_CALL_ID_MISSING,
	RECOVERY_FROM_TAG_MISSING,
	RECOVERY_TO_TAG_MISSING,
	RECOVERY_FROM_URI_INVALID,
	RECOVERY_TO_URI_INVALID,
	RECOVERY_REQUEST_URI_INVALID,
	RECOVERY_ROUTES_INVALID,
	RECOVERY_CSEQ_INVALID,
	RECOVERY_VALUE_INVALID,
	RECOVERY_SDP_ORIGIN_INVALID,
	RECOVERY_SDP_STREAMS_INVALID,
	RECOVERY_SDP_UNSUPPORTED,
	RECOVERY_SESSION_EXPIRES_INVALID,
	RECOVERY_TRANSPORT_INVALID,
	RECOVERY_TRANSPORT_MISSING,
	RECOVERY_DIALOG_ALIVE,
	RECOVERY_CSEQ_USED,
	RECOVERY_REWRITE_FAILED,
	RECOVERY_CODE_COUNT
};

/*! The channel variables: PJSIP_RECOVERY_ and these. */
enum recovery_variable {
	RECOVERY_VAR_CALL_ID,
	RECOVERY_VAR_CSEQ,
	RECOVERY_VAR_FROM_DISPLAY,
	RECOVERY_VAR_FROM_URI,
	RECOVERY_VAR_FROM_TAG,
	RECOVERY_VAR_TO_DISPLAY,
	RECOVERY_VAR_TO_URI,
	RECOVERY_VAR_TO_TAG,
	RECOVERY_VAR_REQUEST_URI,
	RECOVERY_VAR_ROUTES,
	RECOVERY_VAR_RECORD_ROUTES,
	RECOVERY_VAR_SDP_ORIGIN,
	RECOVERY_VAR_SDP_STREAMS,
	RECOVERY_VAR_SESSION_EXPIRES,
	RECOVERY_VAR_TRANSPORT,
	RECOVERY_VAR_COUNT
};

/*! Their values as they were set, NUL-terminated; of length 0 where a variable is not set. */
struct recovery_values {
	pj_str_t of[RECOVERY_VAR_COUNT];
};

/*! What our side last said in `o=`; the offer says the same with the version raised (RFC 3264 section 8). */
struct recovery_origin {
	/*! False where the dialog's origin is not known. */
	int is_known;
	pj_uint32_t id;
	/*! Of the offer that is to be made. */
	pj_uint32_t version;
};

/*! The session and the way to the peer, of which the offer goes on. What is not known is left to Asterisk. */
struct recovery_session {
	struct recovery_origin origin;
	/*!
	 * The streams as they are to be offered, in the order of the session's m= lines; NULL where they are not known.
	 * Port 0 is a stream that is refused or switched off. The attributes are those of streams.c.
	 */
	pjmedia_sdp_session *streams;
	/*! Interval of the session timer in seconds (RFC 4028); 0 where the session has none, or it is not known. */
	unsigned int expires;
	/*! Whether our side is the refresher. */
	int refreshes;
	/*! UDP, TCP or TLS of the hop to the peer; PJSIP_TRANSPORT_UNSPECIFIED where it is not known, or a WebSocket. */
	pjsip_transport_type_e transport;
};

/*! The dialog that a recovering INVITE is to continue. "from" is our side, "to" the phone. */
struct recovery_dialog {
	pj_str_t call_id;
	pjsip_fromto_hdr *from;
	pjsip_fromto_hdr *to;
	pjsip_uri *request_uri;
	/*! In sending order; an empty list where the dialog has no route set. */
	pjsip_route_hdr routes;
	/*! What the INVITE is to carry (RFC 3261 section 8.1.1.5: below 2^31). */
	pj_int32_t cseq;
	struct recovery_session session;
};

/*! The code as operators see it, for example "REC-CSEQ-INVALID". */
const char *recovery_code_name(enum recovery_code code);

/*! The full name of a variable. */
const char *recovery_variable_name(enum recovery_variable variable);

/*!
 * Copies the channel's variables into the pool.
 * \return how many of them the channel has; none makes it an ordinary call
 */
int recovery_values_read(struct ast_channel *chan, pj_pool_t *pool, struct recovery_values *values);

/*!
 * Validates and parses the values. What it makes lies in the pool and refers to the values.
 * \param[out] wrong the variable that is the reason, where the code is not RECOVERY_OK
 */
enum recovery_code recovery_parse(const struct recovery_values *values, pj_pool_t *pool, struct recovery_dialog *dialog,
	enum recovery_variable *wrong);

/*! What a stream's encryption was; RECOVERY_ENCRYPTION_ANY leaves it to the endpoint. */
enum recovery_encryption {
	RECOVERY_ENCRYPTION_ANY = 0,
	RECOVERY_ENCRYPTION_NONE,
	RECOVERY_ENCRYPTION_SDES,
	RECOVERY_ENCRYPTION_DTLS
};

/*! Parses PJSIP_RECOVERY_SDP_ORIGIN. \return -1 where it is none */
int recovery_parse_origin(const pj_str_t *value, struct recovery_origin *origin);

/*! Parses PJSIP_RECOVERY_SDP_STREAMS. \return NULL where the value is not of its grammar */
pjmedia_sdp_session *recovery_parse_streams(const pj_str_t *value, pj_pool_t *pool);

/*!
 * Parses PJSIP_RECOVERY_SESSION_EXPIRES: "1800;refresher=uac", as the re-INVITE has it, so that uac is our side.
 * \return -1 where it is none; RFC 4028 section 4 knows no interval below 90 seconds
 */
int recovery_parse_expires(const pj_str_t *value, struct recovery_session *session);

/*! Parses PJSIP_RECOVERY_TRANSPORT: udp, tcp, tls, ws or wss. \return -1 where it is none */
int recovery_parse_transport(const pj_str_t *value, struct recovery_session *session);

/*! What a stream of recovery_parse_streams() says. */
enum recovery_encryption recovery_stream_encryption(const pjmedia_sdp_media *stream);
/*! Whether its SRTP used this suite (RFC 4568 section 6.2). */
int recovery_stream_has_suite(const pjmedia_sdp_media *stream, const char *suite);
/*! \param by "local" or "remote" */
int recovery_stream_is_held(const pjmedia_sdp_media *stream, const char *by);
/*! \return sendrecv, sendonly, recvonly or inactive */
const char *recovery_stream_direction(const pjmedia_sdp_media *stream);
/*! \param otherwise where the stream does not say */
int recovery_stream_ice(const pjmedia_sdp_media *stream, int otherwise);

/*! \return a reference to the formats of a stream that the endpoint can use, in the stream's order; NULL without memory */
struct ast_format_cap *recovery_formats(const struct ast_sip_endpoint *endpoint, const pjmedia_sdp_media *stream);
/*! Makes an RTP instance offer and expect each format of a stream under the payload type that it has there. */
void recovery_keep_payload_types(const struct ast_sip_endpoint *endpoint, const pjmedia_sdp_media *stream,
	struct ast_rtp_instance *rtp);
/*! Renumbers the events of an offered stream (RFC 4733): Asterisk keeps the payload type of one clock rate only. */
void recovery_keep_event_types(pj_pool_t *pool, pjmedia_sdp_media *offered, const pjmedia_sdp_media *stream);

/*! Streams of other kinds than voice and video hold what cannot be taken over, and are offered as switched off. */
int recovery_stream_is_offered(const pjmedia_sdp_media *stream);
/*! \return NULL where the endpoint cannot offer one of the streams, or none is left to offer */
struct ast_stream_topology *recovery_topology(const struct ast_sip_endpoint *endpoint, const pjmedia_sdp_session *streams);
/*! Sets the media sessions of the pending topology, made of these streams. \return -1 without memory */
int recovery_set_streams(struct ast_sip_session *session, const pjmedia_sdp_session *streams);

/*!
 * Makes Asterisk's offer, in the session, its negotiator and the INVITE, that of the recovered session. Before the INVITE
 * is sent; the caller has locked the dialog.
 */
enum recovery_code recovery_make_offer(struct ast_sip_session *session, pjsip_tx_data *tdata,
	const struct recovery_session *recovered);

/*! Goes on with the session timer: the INVITE proposes the interval and the refresher that were in force. */
enum recovery_code recovery_keep_timer(struct ast_sip_session *session, pjsip_tx_data *tdata,
	const struct recovery_session *recovered);

/*! Binds the dialog to a transport of the kind and family that its next hop wants. */
enum recovery_code recovery_choose_transport(struct ast_sip_session *session, const struct recovery_dialog *recovered);

/*!
 * Makes a fresh dialog, which the caller has locked, the one that is to be recovered, also in pjsip's table of dialogs.
 * Once for each dialog. Where it returns another code than RECOVERY_OK, the dialog is as it was.
 */
enum recovery_code recovery_rewrite_dialog(pjsip_dialog *dlg, const struct recovery_dialog *recovered);

/*! Makes an INVITE one of that dialog. For each INVITE, also one that is sent again with credentials. */
enum recovery_code recovery_rewrite_request(pjsip_tx_data *tdata, const struct recovery_dialog *recovered);

/*! Takes an INVITE every way out: pjsip will neither resolve, connect nor send anything for it. */
void recovery_make_unsendable(pjsip_tx_data *tdata);

/*! True in the Asterisk and pjproject that the module was compiled against; otherwise it says in the log why not. */
int recovery_build_is_right(void);

/*! What the guard knows of a dialog that is being recovered; it lies in the dialog's pool. */
struct recovery_guard {
	/*! The phone has answered 200 and the channel lives: from now on it is an ordinary call. */
	int is_taken_on;
	/*! Status of an answer that redirected the re-INVITE, 0 where there was none. */
	int redirection;
};

/*! Guard: see guard.c. \return -1 where pjsip does not take it */
int recovery_guard_open(void);
void recovery_guard_close(void);
/*! The dialog is locked. */
void recovery_guard_watch(pjsip_dialog *dlg, struct recovery_guard *guard);
/*! \return NULL for a dialog that nobody recovers here */
struct recovery_guard *recovery_guard_of(pjsip_dialog *dlg);

/*!
 * Takes the CSeq of a dialog for a re-INVITE that is about to be sent. May be called from any thread.
 * \param before to be given back to recovery_unuse_cseq() where none was sent
 * \return -1 where one with this CSeq, or a higher one, has been sent in the dialog from here
 */
int recovery_use_cseq(const struct recovery_dialog *dialog, pj_int32_t *before);
void recovery_unuse_cseq(const struct recovery_dialog *dialog, pj_int32_t before);

/*! Tells ARI and AMI (ChannelUserevent "ReinviteRecovery") that nothing was sent, and the code. */
void recovery_report_refused(struct ast_channel *chan, const char *code);
/*!
 * Tells them that the re-INVITE failed.
 * \param status final SIP status, of the phone's answer or one that pjsip made up
 * \param is_answer whether it was received
 * \param retry_after what the answer's Retry-After says, in seconds; -1 where it has none
 */
void recovery_report_failed(struct ast_channel *chan, int status, int is_answer, int retry_after);

/*! Journal: what the CLI shows. All of it may be called from any thread. */
int recovery_journal_open(void);
void recovery_journal_close(void);
/*! \return the number by which the other calls know this recovery */
unsigned int recovery_journal_attempted(const char *channel, const pj_str_t *call_id, long cseq);
void recovery_journal_refused(unsigned int number, enum recovery_code code);
void recovery_journal_sent(unsigned int number);
/*! \param status the final SIP status of the re-INVITE, also one that pjsip made up (408, 487, 503); 0 where there was none, or
 * a 200 that came too late or was of no use */
void recovery_journal_ended(unsigned int number, int status);

#endif
