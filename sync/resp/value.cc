#include "sync/resp/value.h"

namespace lockstep::resp {

Bytes Value::error_code() const {
  return is_error() ? Bytes(text).substr(0, text.find(' ')) : Bytes();
}

}  // namespace lockstep::resp
