/*
 * Reinvite: tells over ARI and AMI how a recovery ended that did not succeed.
 *
 * A Q.850 cause says too little of it: whether the phone has answered at all, with which status, and for how long it wants to
 * be left alone.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#include "asterisk.h"

#include "asterisk/channel.h"
#include "asterisk/json.h"
#include "asterisk/logger.h"
#include "asterisk/stasis.h"
#include "asterisk/stasis_channels.h"

#include "recovery.h"

#define EVENT_NAME "ReinviteRecovery"

static void publish(struct ast_channel *chan, struct ast_json *blob)
{
	if (!blob) {
		ast_log(LOG_ERROR, "%s: no memory to tell how the recovery ended\n", ast_channel_name(chan));
		return;
	}
	ast_channel_lock(chan);
	ast_multi_object_blob_single_channel_publish(chan, ast_multi_user_event_type(), blob);
	ast_channel_unlock(chan);
	ast_json_unref(blob);
}

void recovery_report_refused(struct ast_channel *chan, const char *code)
{
	publish(chan, ast_json_pack("{s: s, s: s, s: s}", "eventname", EVENT_NAME, "result", "refused", "code", code));
}

void recovery_report_failed(struct ast_channel *chan, int status, int is_answer, int retry_after)
{
	char status_text[12];
	char retry_text[12];

	snprintf(status_text, sizeof(status_text), "%d", status);
	snprintf(retry_text, sizeof(retry_text), "%d", retry_after);
	publish(chan, ast_json_pack("{s: s, s: s, s: s, s: s, s: s}", "eventname", EVENT_NAME, "result", "failed",
		"status", status_text, "received", is_answer ? "yes" : "no", "retry_after", retry_after < 0 ? "" : retry_text));
}
