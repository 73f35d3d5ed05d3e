#pragma once

// Requests and replies of one fenced read, without I/O; private to this module.

#include <span>
#include <string>

#include "sync/base/bytes.h"
#include "sync/fence/fenced_key.h"
#include "sync/resp/value.h"

namespace lockstep::fence {

enum class ExpiryForm {
  pexpiretime,  ///< the server says when the key expires
  time_pttl,    ///< TIME · PTTL · TIME
};

/// How many replies append_read() makes the server give.
size_t reply_count(ExpiryForm form);
void append_read(std::string& out, Bytes key, ExpiryForm form);

struct Read {
  FencedKey key;
  bool exact = true;  ///< false: the expiry is only known to be no later than key.expire_at
};
/// `replies` are those of one key; `source` is for messages. Throws as read_keys() does, and
/// FormatError if the replies are not of the shape the commands have.
Read parse_read(std::span<const resp::Value> replies, const std::string& key, ExpiryForm form,
                const std::string& source);

/// Throws what read_keys() throws for an error reply.
[[noreturn]] void refuse(const resp::Value& error, const std::string& what,
                         const std::string& source);

}  // namespace lockstep::fence
