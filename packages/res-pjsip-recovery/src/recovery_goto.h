/*
 * Reinvite: the application RecoveryGoto() of app_recovery_bridge.so.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#ifndef RECOVERY_GOTO_H
#define RECOVERY_GOTO_H

/*! \return 0, or not where Asterisk refuses it. */
int recovery_goto_register(void);
int recovery_goto_unregister(void);

#endif
