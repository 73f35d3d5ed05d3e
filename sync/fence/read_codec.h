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

struct ReadForm {
  ExpiryForm expiry = ExpiryForm::pexpiretime;
  /// A script instead of a transaction: a server that is out of memory queues no command, not even
  /// one that reads, but runs a script.
  bool script = false;
};

/// How many replies append_read() makes the server give.
size_t reply_count(ReadForm form);
void append_read(std::string& out, Bytes key, ReadForm form);

struct Read {
  FencedKey key;
  bool exact = true;  ///< false: the expiry is only known to be no later than key.expire_at
};
/// `replies` are those of one key; `source` is for messages. Throws as read_keys() does, and
/// FormatError if the replies are not of the shape the commands have.
Read parse_read(std::span<const resp::Value> replies, const std::string& key, ReadForm form,
                const std::string& source);

/// Throws what read_keys() throws for an error reply.
[[noreturn]] void refuse(const resp::Value& error, const std::string& what,
                         const std::string& source);

}  // namespace lockstep::fence
