/*
 * Reinvite: RecoveryBridge(), where the two halves of a recovered call meet again. RecoveryGoto() is loaded with it.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

/*** MODULEINFO
	<support_level>extended</support_level>
 ***/

#include "asterisk.h"

#include "asterisk/app.h"
#include "asterisk/astobj2.h"
#include "asterisk/bridge.h"
#include "asterisk/bridge_basic.h"
#include "asterisk/bridge_features.h"
#include "asterisk/causes.h"
#include "asterisk/channel.h"
#include "asterisk/module.h"
#include "asterisk/pbx.h"
#include "asterisk/strings.h"

#include "recovery_goto.h"

static const char app[] = "RecoveryBridge";
static const char synopsis[] = "Meet the other half of a recovered call";
static const char description[] =
	"  RecoveryBridge(name[,timeout[,limit]])\n"
	"Joins the two channels that run it with the same name in a bridge as Dial() makes one, and returns when either\n"
	"leaves. Waits for the other half for 'timeout' seconds, 30 by default; the caller hears silence. A third channel\n"
	"is refused. Leaves after 'limit' seconds where they are given. Sets RECOVERYBRIDGESTATUS to JOINED, TIMEOUT or FAILED.\n";

#define STATUS "RECOVERYBRIDGESTATUS"
/*! Not empty where the phone holds; and the class of music that it asks for. */
#define HOLDS "REINVITE_HOLDS"
#define HOLD_MUSIC "REINVITE_HOLD_MUSIC"
#define DEFAULT_TIMEOUT_MS 30000
#define TIMEOUT_MAX_S 3600
/*! A day; in ms it is to fit an int. */
#define LIMIT_MAX_S 86400

/*! How often a channel whose time is over looks again after a peer that is on its way into the bridge. */
#define LOOK_AGAIN_MS 1000

/*!
 * Where two channels meet. The first to come makes it; when one has left, or has waited in vain, it is taken out of the
 * container, so the name is free again. The counts are guarded by the lock of the container.
 */
struct meeting {
	struct ast_bridge *bridge;
	/*! How many came with the name, 2 at most. */
	int entered;
	/*! How many of them were let into the bridge. */
	int joined;
	char name[0];
};

static struct ao2_container *meetings;

AO2_STRING_FIELD_HASH_FN(meeting, name)
AO2_STRING_FIELD_CMP_FN(meeting, name)

static void meeting_destroy(void *obj)
{
	struct meeting *meeting = obj;

	ao2_cleanup(meeting->bridge);
}

/*! Sends away whoever waits in the bridge, and lets the bridging core forget it. */
static void dissolve(struct meeting *meeting)
{
	ast_bridge_destroy(ao2_bump(meeting->bridge), 0);
}

/*! The container is locked. */
static struct meeting *meeting_create(const char *name)
{
	struct meeting *meeting = ao2_alloc(sizeof(*meeting) + strlen(name) + 1, meeting_destroy);

	if (!meeting) {
		return NULL;
	}
	strcpy(meeting->name, name); /* Safe */
	meeting->bridge = ast_bridge_basic_new();
	if (!meeting->bridge) {
		ao2_ref(meeting, -1);
		return NULL;
	}
	if (!ao2_link_flags(meetings, meeting, OBJ_NOLOCK)) {
		dissolve(meeting);
		ao2_ref(meeting, -1);
		return NULL;
	}
	return meeting;
}

/*! \return a reference, or NULL where two are there already or nothing can be made */
static struct meeting *meeting_enter(const char *name)
{
	struct meeting *meeting;

	ao2_lock(meetings);
	meeting = ao2_find(meetings, name, OBJ_SEARCH_KEY | OBJ_NOLOCK);
	if (meeting && meeting->entered >= 2) {
		ao2_ref(meeting, -1);
		meeting = NULL;
	} else if (meeting || (meeting = meeting_create(name))) {
		meeting->entered++;
	}
	ao2_unlock(meetings);
	return meeting;
}

/*!
 * A phone that answered its re-INVITE with a hold told so when nobody was there to hear it: the other is to hear its music now. Asterisk
 * keeps no note of who holds, only of who is held, so the recovery says it.
 */
static void tell_holds(struct ast_bridge *bridge)
{
	struct ast_bridge_channel *each;

	ast_bridge_lock(bridge);
	AST_LIST_TRAVERSE(&bridge->channels, each, entry) {
		SCOPED_CHANNELLOCK(lock, each->chan);

		if (!ast_strlen_zero(pbx_builtin_getvar_helper(each->chan, HOLDS))) {
			ast_queue_hold(each->chan, S_OR(pbx_builtin_getvar_helper(each->chan, HOLD_MUSIC), NULL));
			pbx_builtin_setvar_helper(each->chan, HOLDS, NULL);
		}
	}
	ast_bridge_unlock(bridge);
}

/*! Runs in the thread of a channel that has just been let into the bridge. */
static int note_joined(struct ast_bridge_channel *bridge_channel, void *pvt)
{
	struct meeting *meeting = pvt;
	int met;

	ao2_lock(meetings);
	met = ++meeting->joined == 2;
	ao2_unlock(meetings);
	if (met) {
		tell_holds(bridge_channel->bridge);
	}
	return -1;
}

/*!
 * Runs in the bridge when the time to wait is over. A peer that has entered the meeting is on its way into the bridge, so it
 * is waited for; once the meeting is taken out under the lock, nobody can enter it any more.
 */
static int give_up_alone(struct ast_bridge_channel *bridge_channel, void *pvt)
{
	struct meeting *meeting = pvt;
	int alone;
	int met;

	ao2_lock(meetings);
	met = meeting->joined == 2;
	alone = meeting->entered < 2;
	if (alone) {
		ao2_unlink_flags(meetings, meeting, OBJ_NOLOCK);
	}
	ao2_unlock(meetings);
	if (alone) {
		ast_bridge_channel_leave_bridge(bridge_channel, BRIDGE_CHANNEL_STATE_END, 0);
	}
	return alone || met ? -1 : LOOK_AGAIN_MS;
}

/*! Runs in the bridge when the two may talk no longer. */
static int end_of_talk(struct ast_bridge_channel *bridge_channel, void *pvt)
{
	ast_bridge_channel_leave_bridge(bridge_channel, BRIDGE_CHANNEL_STATE_END, AST_CAUSE_NORMAL_CLEARING);
	return -1;
}

/*! \param limit_ms 0: they may talk for as long as they like */
static int add_hooks(struct ast_bridge_features *features, struct meeting *meeting, int timeout_ms, int limit_ms)
{
	/* The meeting outlives the hooks: its owner cleans the features up before it lets go of it. */
	return ast_bridge_features_init(features)
		|| (limit_ms && ast_bridge_interval_hook(features, 0, limit_ms, end_of_talk, NULL, NULL, 0))
		|| ast_bridge_join_hook(features, note_joined, meeting, NULL, 0)
		|| ast_bridge_interval_hook(features, 0, timeout_ms, give_up_alone, meeting, NULL, 0);
}

/*!
 * Nobody can enter any more.
 * \return whether the two met: then the bridge may live on without us, as after a transfer
 */
static int meeting_leave(struct meeting *meeting, const char **status)
{
	int met;

	ao2_lock(meetings);
	ao2_unlink_flags(meetings, meeting, OBJ_NOLOCK);
	met = meeting->joined == 2;
	*status = met ? "JOINED" : meeting->entered == 2 ? "FAILED" : "TIMEOUT";
	ao2_unlock(meetings);
	return met;
}

static void meet(struct ast_channel *chan, struct meeting *meeting, int timeout_ms, int limit_ms)
{
	struct ast_bridge_features features;
	const char *status;

	if (!add_hooks(&features, meeting, timeout_ms, limit_ms)) {
		/* Both phones show each other already: telling them again would cost each a re-INVITE or UPDATE. */
		ast_bridge_join(meeting->bridge, chan, NULL, &features, NULL, AST_BRIDGE_JOIN_INHIBIT_JOIN_COLP);
	}
	ast_bridge_features_cleanup(&features);
	if (!meeting_leave(meeting, &status)) {
		dissolve(meeting);
	}
	pbx_builtin_setvar_helper(chan, STATUS, status);
}

/*! \return ms, -1 where it is none that can be waited */
static int parse_seconds(const char *text, int otherwise_ms, int max_s)
{
	double seconds;
	char rest;

	if (ast_strlen_zero(text)) {
		return otherwise_ms;
	}
	if (sscanf(text, "%30lf%c", &seconds, &rest) != 1 || !(seconds >= 0.001 && seconds <= max_s)) {
		return -1;
	}
	return (int) (seconds * 1000);
}

static int recovery_bridge_exec(struct ast_channel *chan, const char *data)
{
	struct meeting *meeting;
	int timeout_ms;
	int limit_ms;
	char *parse = ast_strdupa(S_OR(data, ""));
	AST_DECLARE_APP_ARGS(args,
		AST_APP_ARG(name);
		AST_APP_ARG(timeout);
		AST_APP_ARG(limit);
	);

	pbx_builtin_setvar_helper(chan, STATUS, "FAILED");
	AST_STANDARD_APP_ARGS(args, parse);
	timeout_ms = parse_seconds(args.timeout, DEFAULT_TIMEOUT_MS, TIMEOUT_MAX_S);
	limit_ms = parse_seconds(args.limit, 0, LIMIT_MAX_S);
	if (ast_strlen_zero(args.name) || timeout_ms < 0 || limit_ms < 0) {
		ast_log(LOG_ERROR, "%s: %s(%s) needs a name and, where given, 0.001 to %d seconds to wait and %d to talk\n",
			ast_channel_name(chan), app, S_OR(data, ""), TIMEOUT_MAX_S, LIMIT_MAX_S);
		return 0;
	}
	if (ast_channel_state(chan) != AST_STATE_UP && ast_answer(chan)) {
		return -1;
	}
	meeting = meeting_enter(args.name);
	if (!meeting) {
		ast_log(LOG_ERROR, "%s: %s(%s): two are there already\n", ast_channel_name(chan), app, args.name);
		return 0;
	}
	meet(chan, meeting, timeout_ms, limit_ms);
	ao2_ref(meeting, -1);
	return ast_check_hangup_locked(chan) ? -1 : 0;
}

static int load_module(void)
{
	meetings = ao2_container_alloc_hash(AO2_ALLOC_OPT_LOCK_MUTEX, 0, 251, meeting_hash_fn, NULL, meeting_cmp_fn);
	if (!meetings || ast_register_application(app, recovery_bridge_exec, synopsis, description)) {
		ao2_cleanup(meetings);
		return AST_MODULE_LOAD_DECLINE;
	}
	if (recovery_goto_register()) {
		ast_unregister_application(app);
		ao2_cleanup(meetings);
		return AST_MODULE_LOAD_DECLINE;
	}
	return AST_MODULE_LOAD_SUCCESS;
}

static int unload_module(void)
{
	int failed = ast_unregister_application(app) | recovery_goto_unregister();

	ao2_cleanup(meetings);
	meetings = NULL;
	return failed;
}

AST_MODULE_INFO_STANDARD_EXTENDED(ASTERISK_GPL_KEY, "Meeting of the halves of a recovered call");
