/*
 * Reinvite: the PJSIP_RECOVERY_* variables of a channel.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#include "asterisk.h"

#include "asterisk/channel.h"
#include "asterisk/chanvars.h"
#include "asterisk/linkedlists.h"
#include "asterisk/strings.h"

#include "recovery.h"

static const char *const variable_names[RECOVERY_VAR_COUNT] = {
	[RECOVERY_VAR_CALL_ID] = "PJSIP_RECOVERY_CALL-ID",
	[RECOVERY_VAR_CSEQ] = "PJSIP_RECOVERY_CSEQ",
	[RECOVERY_VAR_FROM_DISPLAY] = "PJSIP_RECOVERY_FROM_DISPLAY",
	[RECOVERY_VAR_FROM_URI] = "PJSIP_RECOVERY_FROM_URI",
	[RECOVERY_VAR_FROM_TAG] = "PJSIP_RECOVERY_FROM_TAG",
	[RECOVERY_VAR_TO_DISPLAY] = "PJSIP_RECOVERY_TO_DISPLAY",
	[RECOVERY_VAR_TO_URI] = "PJSIP_RECOVERY_TO_URI",
	[RECOVERY_VAR_TO_TAG] = "PJSIP_RECOVERY_TO_TAG",
	[RECOVERY_VAR_REQUEST_URI] = "PJSIP_RECOVERY_REQUEST_URI",
	[RECOVERY_VAR_ROUTES] = "PJSIP_RECOVERY_ROUTES",
	[RECOVERY_VAR_RECORD_ROUTES] = "PJSIP_RECOVERY_RECORD-ROUTES",
	[RECOVERY_VAR_SDP_ORIGIN] = "PJSIP_RECOVERY_SDP_ORIGIN",
	[RECOVERY_VAR_SDP_STREAMS] = "PJSIP_RECOVERY_SDP_STREAMS",
	[RECOVERY_VAR_SESSION_EXPIRES] = "PJSIP_RECOVERY_SESSION_EXPIRES",
	[RECOVERY_VAR_TRANSPORT] = "PJSIP_RECOVERY_TRANSPORT",
};

static const char *const code_names[RECOVERY_CODE_COUNT] = {
	[RECOVERY_OK] = "OK",
	[RECOVERY_CALL_ID_MISSING] = "REC-CALL-ID-MISSING",
	[RECOVERY_FROM_TAG_MISSING] = "REC-FROM-TAG-MISSING",
	[RECOVERY_TO_TAG_MISSING] = "REC-TO-TAG-MISSING",
	[RECOVERY_FROM_URI_INVALID] = "REC-FROM-URI-INVALID",
	[RECOVERY_TO_URI_INVALID] = "REC-TO-URI-INVALID",
	[RECOVERY_REQUEST_URI_INVALID] = "REC-REQUEST-URI-INVALID",
	[RECOVERY_ROUTES_INVALID] = "REC-ROUTES-INVALID",
	[RECOVERY_CSEQ_INVALID] = "REC-CSEQ-INVALID",
	[RECOVERY_VALUE_INVALID] = "REC-VALUE-INVALID",
	[RECOVERY_SDP_ORIGIN_INVALID] = "REC-SDP-ORIGIN-INVALID",
	[RECOVERY_SDP_STREAMS_INVALID] = "REC-SDP-STREAMS-INVALID",
	[RECOVERY_SDP_UNSUPPORTED] = "REC-SDP-UNSUPPORTED",
	[RECOVERY_SESSION_EXPIRES_INVALID] = "REC-SESSION-EXPIRES-INVALID",
	[RECOVERY_TRANSPORT_INVALID] = "REC-TRANSPORT-INVALID",
	[RECOVERY_TRANSPORT_MISSING] = "REC-TRANSPORT-MISSING",
	[RECOVERY_DIALOG_ALIVE] = "REC-DIALOG-ALIVE",
	[RECOVERY_CSEQ_USED] = "REC-CSEQ-USED",
	[RECOVERY_REWRITE_FAILED] = "REC-REWRITE-FAILED",
};

const char *recovery_code_name(enum recovery_code code)
{
	return code_names[code];
}

const char *recovery_variable_name(enum recovery_variable variable)
{
	return variable_names[variable];
}

/*! VoIPBin's own services write some of the names in mixed case. */
static int find_variable(const char *name)
{
	int variable;

	for (variable = 0; variable < RECOVERY_VAR_COUNT; variable++) {
		if (!strcasecmp(name, variable_names[variable])) {
			return variable;
		}
	}
	return -1;
}

int recovery_values_read(struct ast_channel *chan, pj_pool_t *pool, struct recovery_values *values)
{
	struct ast_var_t *set;
	int found = 0;
	int variable;

	for (variable = 0; variable < RECOVERY_VAR_COUNT; variable++) {
		values->of[variable] = pj_str("");
	}
	ast_channel_lock(chan);
	/* The channel's own variables only: a global one would make every call a recovery. */
	AST_LIST_TRAVERSE(ast_channel_varshead(chan), set, entries) {
		if (ast_strlen_zero(ast_var_value(set)) || (variable = find_variable(ast_var_name(set))) < 0
			|| values->of[variable].slen) {
			continue;
		}
		pj_strdup2_with_null(pool, &values->of[variable], ast_var_value(set));
		found++;
	}
	ast_channel_unlock(chan);
	return found;
}
