/* Libraries that cannot be loaded, each by its own macro, for tests/native/nif.exs. */
#include <erl_nif.h>

static ERL_NIF_TERM one(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) { return enif_make_int(env, 1); }

static ErlNifFunc functions[] = {
#ifdef FLAG
    { "one", 0, one, 77 },
#else
    { "one", 0, one },
#endif
#ifdef TWICE
    { "one", 0, one },
#endif
};

#ifndef MAJOR
#define MAJOR 2
#define MINOR 14
#endif
#ifndef VARIANT
#define VARIANT ERL_NIF_VM_VARIANT
#endif
#ifndef NAME
#define NAME "Elixir.Probe"
#endif

static ErlNifEntry entry = {
    MAJOR, MINOR, NAME, sizeof functions / sizeof *functions, functions, NULL, NULL, NULL, NULL, VARIANT, 1,
    sizeof(ErlNifResourceTypeInit), "erts-99.0",
};

#ifndef PLAIN
ErlNifEntry *nif_init(void)
{
#ifdef NOTHING
    return NULL;
#endif
    return &entry;
}
#endif
