/*
 * Reinvite: RecoveryGoto(), which leads a recovered leg on from where it was in the dialplan.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#include "asterisk.h"

#include "asterisk/channel.h"
#include "asterisk/module.h"
#include "asterisk/pbx.h"
#include "asterisk/strings.h"

#include "recovery_goto.h"

static const char app[] = "RecoveryGoto";
static const char synopsis[] = "Go on where a recovered leg was in the dialplan";
static const char description[] =
	"  RecoveryGoto([next])\n"
	"Goes to the priority REINVITE_PRIORITY of the extension REINVITE_EXTENSION in the context REINVITE_CONTEXT; with\n"
	"'next' to the one behind it. Unlike Goto() it takes an extension as it is: a phone may have dialled one with commas.\n";

static char *variable(struct ast_channel *chan, const char *name)
{
	return ast_strdup(S_OR(pbx_builtin_getvar_helper(chan, name), ""));
}

static int recovery_goto_exec(struct ast_channel *chan, const char *data)
{
	char *context;
	char *exten;
	char *text;
	int priority = 0;
	int res = -1;

	ast_channel_lock(chan);
	context = variable(chan, "REINVITE_CONTEXT");
	exten = variable(chan, "REINVITE_EXTENSION");
	text = variable(chan, "REINVITE_PRIORITY");
	ast_channel_unlock(chan);

	if (ast_strlen_zero(context) || ast_strlen_zero(exten) || ast_strlen_zero(text)
		|| sscanf(text, "%9d", &priority) != 1 || priority < 1) {
		ast_log(LOG_ERROR, "%s: %s has no place to go to: '%s', '%s', '%s'\n",
			ast_channel_name(chan), app, S_OR(context, ""), S_OR(exten, ""), S_OR(text, ""));
	} else {
		res = ast_explicit_goto(chan, context, exten, priority + (strcmp(S_OR(data, ""), "next") ? 0 : 1));
	}
	ast_free(context);
	ast_free(exten);
	ast_free(text);
	return res;
}

int recovery_goto_register(void)
{
	return ast_register_application(app, recovery_goto_exec, synopsis, description);
}

int recovery_goto_unregister(void)
{
	return ast_unregister_application(app);
}
