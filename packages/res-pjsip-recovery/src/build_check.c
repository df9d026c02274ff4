/*
 * Reinvite: refuses to work in another build than the module was compiled against.
 *
 * The module reaches into structures of pjsip. Their layout follows from pjproject's version and from the config_site.h that
 * Asterisk builds it with, so both versions are compared, and then the layout and the functions are tried on a dialog that
 * never sends anything.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#include "asterisk.h"

#include <pjlib.h>

#include "asterisk/ast_version.h"
#include "asterisk/logger.h"
#include "asterisk/res_pjsip.h"

#include "recovery.h"

static int is_right_version(void)
{
	unsigned int running[3] = { 0, 0, 0 };

	if (strcmp(ast_get_version(), BUILT_FOR_ASTERISK)) {
		ast_log(LOG_ERROR, "REC-WRONG-BUILD: built for Asterisk %s, this is %s\n", BUILT_FOR_ASTERISK, ast_get_version());
		return 0;
	}
	if (sscanf(pj_get_version(), "%u.%u.%u", &running[0], &running[1], &running[2]) < 2
		|| running[0] != PJ_VERSION_NUM_MAJOR || running[1] != PJ_VERSION_NUM_MINOR || running[2] != PJ_VERSION_NUM_REV) {
		ast_log(LOG_ERROR, "REC-WRONG-BUILD: built for pjproject %d.%d.%d, this is %s\n", PJ_VERSION_NUM_MAJOR,
			PJ_VERSION_NUM_MINOR, PJ_VERSION_NUM_REV, pj_get_version());
		return 0;
	}
	return 1;
}

/*! Each member is compared with what pjsip itself says of it; mod_data is the last array, so a shift shows there. */
static int is_right_layout(pjsip_dialog *dlg)
{
	static int probe;
	const int last_slot = PJSIP_MAX_MODULE - 1;

	return dlg->ua == pjsip_ua_instance()
		&& dlg->endpt == ast_sip_get_pjsip_endpoint()
		&& dlg->role == PJSIP_ROLE_UAC
		&& dlg->state == PJSIP_DIALOG_STATE_NULL
		&& !dlg->route_set_frozen
		&& dlg->local.tag_hval == pj_hash_calc_tolower(0, NULL, &dlg->local.info->tag)
		&& pjsip_dlg_set_mod_data(dlg, last_slot, &probe) == PJ_SUCCESS
		&& dlg->mod_data[last_slot] == &probe;
}

/*! Recovers the dialog as a call would and looks whether pjsip finds it under its new identity. */
static int can_be_rewritten(pjsip_dialog *dlg)
{
	struct recovery_values values = { .of = {
		[RECOVERY_VAR_CALL_ID] = pj_str("reinvite-build-check"),
		[RECOVERY_VAR_CSEQ] = pj_str("7"),
		[RECOVERY_VAR_FROM_URI] = pj_str("sip:us@check.invalid"),
		[RECOVERY_VAR_FROM_TAG] = pj_str("reinvite-build-check-us"),
		[RECOVERY_VAR_TO_URI] = pj_str("sip:phone@check.invalid"),
		[RECOVERY_VAR_TO_TAG] = pj_str("reinvite-build-check-phone"),
		[RECOVERY_VAR_REQUEST_URI] = pj_str("sip:phone@check.invalid"),
		[RECOVERY_VAR_ROUTES] = pj_str("<sip:edge.invalid;lr>"),
	} };
	struct recovery_dialog recovered = { .cseq = 0 };
	enum recovery_variable wrong;

	return recovery_parse(&values, dlg->pool, &recovered, &wrong) == RECOVERY_OK
		&& recovery_rewrite_dialog(dlg, &recovered) == RECOVERY_OK
		&& pjsip_ua_find_dialog(&recovered.call_id, &recovered.from->tag, &recovered.to->tag, PJ_FALSE) == dlg;
}

/*! Runs in a thread that pjsip knows. \return 0 where all is well */
static int try_on_a_dialog(void *unused)
{
	pj_str_t local = pj_str("sip:us@check.invalid");
	pj_str_t remote = pj_str("sip:phone@check.invalid");
	pjsip_dialog *dlg;
	int right;

	if (pjsip_dlg_create_uac(pjsip_ua_instance(), &local, NULL, &remote, NULL, &dlg) != PJ_SUCCESS) {
		return -1;
	}
	pjsip_dlg_inc_lock(dlg);
	right = is_right_layout(dlg) && can_be_rewritten(dlg);
	/* Nothing else holds the dialog: this destroys it. */
	pjsip_dlg_dec_lock(dlg);
	return right ? 0 : -1;
}

int recovery_build_is_right(void)
{
	if (!is_right_version()) {
		return 0;
	}
	if (ast_sip_push_task_wait_servant(NULL, try_on_a_dialog, NULL)) {
		ast_log(LOG_ERROR, "REC-WRONG-BUILD: this pjproject lays its dialogs out otherwise than the one built for\n");
		return 0;
	}
	return 1;
}
