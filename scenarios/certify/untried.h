#pragma once

#include "fixtures/capabilities.h"
#include "scenarios/certify/certificate.h"
#include "scenarios/generate.h"
#include "scenarios/result.h"

namespace lockstep::scenarios::certify {

/// A family that was asked for: the cell has it, or skips it because nothing of it can be generated
/// for such servers; and what of it cannot.
void note_family(const std::string& family, const Capability& capability, Cell& cell);
/// Modules of which both sides have another build: no values are written that none could compare.
void note_modules(const fixtures::Capabilities& from, const fixtures::Capabilities& to, Cell& cell);
/// Checks that a case could not make.
void note_checks(const CaseResult& result, Cell& cell);

}  // namespace lockstep::scenarios::certify
