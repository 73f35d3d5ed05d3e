#pragma once

#include <string>

#include "sync/base/bytes.h"
#include "verifier/verify.h"

namespace lockstep::verifier {

/// junit.xml for a CI system: one suite, a test case for each class of difference, one for what
/// could not be compared, one for what flapped, and one for the verdict as a whole.
std::string report_junit(const VerifyReport& report);

/// `text` inside an XML attribute or element; what XML 1.0 cannot hold stands as \xNN.
std::string xml_text(Bytes text);

}  // namespace lockstep::verifier
