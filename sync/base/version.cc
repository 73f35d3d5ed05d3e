#include "sync/base/version.h"

namespace lockstep {

std::string version() { return LOCKSTEP_VERSION LOCKSTEP_REVISION; }

}  // namespace lockstep
