#pragma once

#include <string>

#include "scenarios/certify/certificate.h"
#include "scenarios/result.h"

namespace lockstep::scenarios::certify {

/// Whether a case proves nothing, for or against, because it ended before the tool under test was
/// started: the servers or the machine failed. What ends later is a finding, as it may be the
/// tool's doing.
bool environment_failed(const CaseResult& result);

/// "valkey-9.9: t_hash.c:67 …": the first server of a case that has a crash report, and what that
/// says; empty: none has.
std::string crash_of(const CaseResult& result);

/// A case that passed though its clients lost connections to the source proves nothing.
void doubt(CaseResult& result);

/// Counts what a case has lost: the keys that the verifier missed, and every kind of thing that was
/// left out on the way, though none may be there at the end.
void note_losses(const CaseResult& result, Cell& cell);

/// What an attempt at a cell has come to. `failure`: what ended it before its cases were done, such
/// as servers that did not start; empty: nothing.
void decide(Cell& cell, const std::string& failure);

/// Whether a run tries a cell of the run before it once more: only what the environment ended, or
/// with `all` everything that is not certified.
bool is_tried_again(const Cell& before, bool all);

/// What `before`, an attempt at the same cell, has found goes on in the next one.
void carry_over(const Cell& before, Cell& cell);

}  // namespace lockstep::scenarios::certify
