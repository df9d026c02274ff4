/*
 * Reinvite: no re-INVITE leaves this Asterisk twice.
 *
 * Who asks for a recovery may die, be cut off, or be taken for dead: then the same originate comes again, from another worker
 * or out of a connection that had stalled. The channel's id stops that while the channel lives; afterwards this does. Each
 * attempt at a dialog has a CSeq of its own, above those before (RFC 3261 section 12.2.1.1), so one that is not above what was
 * sent here is a repetition, or was overtaken.
 *
 * This program is free software, distributed under the terms of the GNU General Public License Version 2.
 * See the LICENSE file at the top of this package.
 */

#include "asterisk.h"

#include <pjlib.h>

#include "asterisk/lock.h"

#include "recovery.h"

/*! How many are remembered; an originate that is repeated comes long before as many others. */
#define USED_SIZE 16384

struct used_cseq {
	/*! Of Call-ID and both tags; 0 where the entry is free. */
	pj_uint64_t dialog;
	pj_int32_t cseq;
};

static struct used_cseq used[USED_SIZE];
static unsigned int next_used;

AST_MUTEX_DEFINE_STATIC(used_lock);

/*! FNV-1a, with a byte between the parts that none of them holds. */
static pj_uint64_t hash_on(pj_uint64_t hash, const pj_str_t *part)
{
	pj_ssize_t i;

	for (i = 0; i < part->slen; i++) {
		hash = (hash ^ (unsigned char) part->ptr[i]) * 1099511628211ULL;
	}
	return hash * 1099511628211ULL;
}

static pj_uint64_t hash_of(const struct recovery_dialog *dialog)
{
	pj_uint64_t hash = hash_on(14695981039346656037ULL, &dialog->call_id);

	hash = hash_on(hash, &dialog->from->tag);
	hash = hash_on(hash, &dialog->to->tag);
	return hash ? hash : 1;
}

/*! \return NULL where nothing of the dialog is known */
static struct used_cseq *find_used(pj_uint64_t dialog)
{
	unsigned int i;

	for (i = 0; i < USED_SIZE; i++) {
		if (used[i].dialog == dialog) {
			return &used[i];
		}
	}
	return NULL;
}

int recovery_use_cseq(const struct recovery_dialog *dialog, pj_int32_t *before)
{
	const pj_uint64_t hash = hash_of(dialog);
	struct used_cseq *entry;
	int is_new = 1;

	ast_mutex_lock(&used_lock);
	entry = find_used(hash);
	*before = entry ? entry->cseq : 0;
	if (!entry) {
		entry = &used[next_used++ % USED_SIZE];
		entry->dialog = hash;
		entry->cseq = dialog->cseq;
	} else if (dialog->cseq > entry->cseq) {
		entry->cseq = dialog->cseq;
	} else {
		is_new = 0;
	}
	ast_mutex_unlock(&used_lock);
	return is_new ? 0 : -1;
}

void recovery_unuse_cseq(const struct recovery_dialog *dialog, pj_int32_t before)
{
	struct used_cseq *entry;

	ast_mutex_lock(&used_lock);
	entry = find_used(hash_of(dialog));
	if (entry && entry->cseq == dialog->cseq) {
		entry->cseq = before;
	}
	ast_mutex_unlock(&used_lock);
}
