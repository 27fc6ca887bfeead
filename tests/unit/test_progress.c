/* What training shows where there is no terminal: lines by epochs, and by time where these are long or many. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "suite.h"

/* Shows events, with standard output in a file; what was printed, to be freed. */
static char *shown(const dlg_progress *events, size_t count, bool quiet) {
    FILE *to = tmpfile();
    CU_ASSERT_PTR_NOT_NULL_FATAL(to);
    fflush(stdout);
    const int was = dup(STDOUT_FILENO);
    CU_ASSERT_FATAL(was >= 0 && dup2(fileno(to), STDOUT_FILENO) >= 0);
    Progress p;
    progress_init(&p, quiet, false);
    for (size_t i = 0; i < count; i++) CU_ASSERT_EQUAL(progress_show(&events[i], &p), 0);
    fflush(stdout);
    CU_ASSERT_FATAL(dup2(was, STDOUT_FILENO) >= 0);
    close(was);
    char *text = calloc(1, 4096);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    rewind(to);
    CU_ASSERT(fread(text, 1, 4095, to) < 4095);
    fclose(to);
    return text;
}

static dlg_progress at(int event, uint64_t epoch, uint64_t step, double seconds) {
    return (dlg_progress){.event = event,
                          .epoch = epoch,
                          .epochs = 1000,
                          .step = step,
                          .steps = 100000,
                          .seconds = seconds};
}

static void test_short_epochs(void) {
    const dlg_progress events[] = {
        at(DLG_EVENT_EPOCH, 1, 100, 0.5),  at(DLG_EVENT_EPOCH, 2, 200, 1),
        at(DLG_EVENT_EPOCH, 20, 2000, 11), at(DLG_EVENT_EPOCH, 21, 2100, 12),
        at(DLG_EVENT_EPOCH, 50, 5000, 13), at(DLG_EVENT_EPOCH, 1000, 100000, 14)};
    char *text = shown(events, sizeof events / sizeof *events, false);
    CU_ASSERT_STRING_EQUAL(text,
                           "epoch 1/1000  \nepoch 20/1000  \nepoch 50/1000  \nepoch 1000/1000  \n");
    free(text);
    text = shown(events, sizeof events / sizeof *events, true);
    CU_ASSERT_STRING_EQUAL(text, "");
    free(text);
}

static void test_long_epochs(void) {
    const dlg_progress events[] = {at(DLG_EVENT_STEPS, 1, 50, 5), at(DLG_EVENT_STEPS, 1, 1000, 10),
                                   at(DLG_EVENT_STEPS, 1, 2000, 19),
                                   at(DLG_EVENT_STEPS, 1, 3000, 21),
                                   at(DLG_EVENT_EPOCH, 1, 4000, 22)};
    char *text = shown(events, sizeof events / sizeof *events, false);
    CU_ASSERT_STRING_EQUAL(
        text, "epoch 1/1000, 1 % of all  \nepoch 1/1000, 3 % of all  \nepoch 1/1000  \n");
    free(text);
}

RUN_SUITE("progress", {"many short epochs", test_short_epochs}, {"long ones", test_long_epochs})
