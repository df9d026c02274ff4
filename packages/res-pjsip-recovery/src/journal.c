/*
 * Reinvite: what the module did, for "pjsip show recovery".
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#include "asterisk.h"

#include "asterisk/cli.h"
#include "asterisk/localtime.h"
#include "asterisk/lock.h"
#include "asterisk/strings.h"
#include "asterisk/time.h"

#include "recovery.h"

/*! How many recoveries are kept. */
#define JOURNAL_SIZE 50

#define STATUS_COUNT 700

struct journal_entry {
	unsigned int number;
	struct timeval at;
	/*! When the re-INVITE's final status came. */
	struct timeval ended;
	char channel[80];
	char call_id[128];
	long cseq;
	int is_sent;
	/*! It has ended, with this final status; 0 where there was none. */
	int is_ended;
	int status;
	/*! Why the recovery was refused. */
	enum recovery_code code;
};

static struct journal_entry entries[JOURNAL_SIZE];
static unsigned int attempted;
static unsigned int sent;
static unsigned int answered;
/*! Ended without a final status, or by a 200 after the channel had gone. */
static unsigned int given_up;
static unsigned int refused[RECOVERY_CODE_COUNT];
static unsigned int failed[STATUS_COUNT];

AST_MUTEX_DEFINE_STATIC(journal_lock);

/*! What was refused may hold anything, and goes to a terminal. */
static void copy_printable(char *to, size_t size, const pj_str_t *from)
{
	size_t length = MIN((size_t) from->slen, size - 1);
	size_t i;

	for (i = 0; i < length; i++) {
		to[i] = from->ptr[i] > 0x20 && from->ptr[i] < 0x7f ? from->ptr[i] : '?';
	}
	to[length] = '\0';
}

unsigned int recovery_journal_attempted(const char *channel, const pj_str_t *call_id, long cseq)
{
	struct journal_entry *entry;
	unsigned int number;

	ast_mutex_lock(&journal_lock);
	number = ++attempted;
	entry = &entries[number % JOURNAL_SIZE];
	memset(entry, 0, sizeof(*entry));
	entry->number = number;
	entry->at = ast_tvnow();
	ast_copy_string(entry->channel, channel, sizeof(entry->channel));
	copy_printable(entry->call_id, sizeof(entry->call_id), call_id);
	entry->cseq = cseq;
	ast_mutex_unlock(&journal_lock);
	return number;
}

/*! \return NULL where newer ones have taken its place */
static struct journal_entry *find_entry(unsigned int number)
{
	struct journal_entry *entry = &entries[number % JOURNAL_SIZE];

	return entry->number == number ? entry : NULL;
}

void recovery_journal_refused(unsigned int number, enum recovery_code code)
{
	struct journal_entry *entry;

	ast_mutex_lock(&journal_lock);
	refused[code]++;
	if ((entry = find_entry(number))) {
		entry->code = code;
	}
	ast_mutex_unlock(&journal_lock);
}

void recovery_journal_sent(unsigned int number)
{
	struct journal_entry *entry;

	ast_mutex_lock(&journal_lock);
	sent++;
	if ((entry = find_entry(number))) {
		entry->is_sent = 1;
	}
	ast_mutex_unlock(&journal_lock);
}

static int is_answered(int status)
{
	return status / 100 == 2;
}

void recovery_journal_ended(unsigned int number, int status)
{
	struct journal_entry *entry;

	ast_mutex_lock(&journal_lock);
	if (is_answered(status)) {
		answered++;
	} else if (status) {
		failed[MIN(status, STATUS_COUNT - 1)]++;
	} else {
		given_up++;
	}
	if ((entry = find_entry(number))) {
		entry->is_ended = 1;
		entry->status = status;
		entry->ended = ast_tvnow();
	}
	ast_mutex_unlock(&journal_lock);
}

static void show_entry(int fd, const struct journal_entry *entry)
{
	struct ast_tm tm;
	char at[40];
	char took[16] = "";
	char result[32];

	ast_localtime(&entry->at, &tm, NULL);
	ast_strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S.%3q", &tm);
	if (entry->code != RECOVERY_OK) {
		ast_copy_string(result, recovery_code_name(entry->code), sizeof(result));
	} else if (entry->is_ended) {
		if (entry->status) {
			snprintf(result, sizeof(result), "%s %d", is_answered(entry->status) ? "answered" : "failed", entry->status);
		} else {
			ast_copy_string(result, "given up", sizeof(result));
		}
		snprintf(took, sizeof(took), "%d", (int) ast_tvdiff_ms(entry->ended, entry->at));
	} else {
		ast_copy_string(result, entry->is_sent ? "sent" : "attempted", sizeof(result));
	}
	ast_cli(fd, "%-24s %-28s %10ld %-24s %6s %s\n", at, entry->channel, entry->cseq, result, took, entry->call_id);
}

static void show_counts(int fd)
{
	int i;

	ast_cli(fd, "Attempted: %u  Sent: %u  Answered: %u\n", attempted, sent, answered);
	for (i = 0; i < RECOVERY_CODE_COUNT; i++) {
		if (refused[i]) {
			ast_cli(fd, "Refused %s: %u\n", recovery_code_name(i), refused[i]);
		}
	}
	if (given_up) {
		ast_cli(fd, "Given up: %u\n", given_up);
	}
	for (i = 0; i < STATUS_COUNT; i++) {
		if (failed[i]) {
			ast_cli(fd, "Failed %d: %u\n", i, failed[i]);
		}
	}
}

static char *show_recovery(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
	unsigned int age;

	switch (cmd) {
	case CLI_INIT:
		e->command = "pjsip show recovery";
		e->usage =
			"Usage: pjsip show recovery\n"
			"       How many dialogs were recovered here, why others were not, and the latest ones,\n"
			"       newest first, with the milliseconds until their re-INVITE was answered.\n";
		return NULL;
	case CLI_GENERATE:
		return NULL;
	}
	if (a->argc != e->args) {
		return CLI_SHOWUSAGE;
	}
	ast_mutex_lock(&journal_lock);
	show_counts(a->fd);
	ast_cli(a->fd, "%-24s %-28s %10s %-24s %6s %s\n", "Time", "Channel", "CSeq", "Result", "ms", "Call-ID");
	for (age = 0; age < JOURNAL_SIZE && age < attempted; age++) {
		show_entry(a->fd, &entries[(attempted - age) % JOURNAL_SIZE]);
	}
	ast_mutex_unlock(&journal_lock);
	return CLI_SUCCESS;
}

static struct ast_cli_entry commands[] = {
	AST_CLI_DEFINE(show_recovery, "Show the dialogs that were recovered here"),
};

int recovery_journal_open(void)
{
	return ast_cli_register_multiple(commands, ARRAY_LEN(commands));
}

void recovery_journal_close(void)
{
	ast_cli_unregister_multiple(commands, ARRAY_LEN(commands));
}
