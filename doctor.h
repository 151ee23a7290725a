/* SPDX-License-Identifier: ISC */
/*
 * doctor.h: chat --doctor, for when nobody appears.
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include "options.h"

/*
 * Looks around for some seconds, without touching any database, and says on
 * stdout what it sees: the interfaces, whether our own multicast comes back,
 * who else is heard, which chats are found, and whether they answer; and last
 * what is wrong.  With options->name it wants that one to be there.  Returns
 * what the process is to exit with: 0 when others can be found.
 */
int doctor_run(const struct options *options) MUST_USE;

#endif
