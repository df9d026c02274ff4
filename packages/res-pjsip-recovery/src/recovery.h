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

struct ast_channel;

/*! Q.850 cause of a channel whose recovery was refused: "protocol error, unspecified". No SIP status maps to it. */
#define RECOVERY_REFUSED_CAUSE 111

/*! SIP status shown beside that cause where Asterisk keeps one: Bad Request. It was not received, nothing was sent. */
#define RECOVERY_REFUSED_STATUS 400

/*! Longest value that is taken from a channel variable, in bytes. */
#define RECOVERY_VALUE_MAX 2048

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
	RECOVERY_DIALOG_ALIVE,
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
	RECOVERY_VAR_COUNT
};

/*! Their values as they were set, NUL-terminated; of length 0 where a variable is not set. */
struct recovery_values {
	pj_str_t of[RECOVERY_VAR_COUNT];
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

/*! Journal: what the CLI shows. All of it may be called from any thread. */
int recovery_journal_open(void);
void recovery_journal_close(void);
/*! \return the number by which the other calls know this recovery */
unsigned int recovery_journal_attempted(const char *channel, const pj_str_t *call_id, long cseq);
void recovery_journal_refused(unsigned int number, enum recovery_code code);
void recovery_journal_sent(unsigned int number);
/*! \param status the final SIP status of the re-INVITE, also one that pjsip made up (408, 487, 503) */
void recovery_journal_ended(unsigned int number, int status);

#endif
