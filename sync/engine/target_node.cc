#include "sync/engine/target_node.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "sync/base/error.h"
#include "sync/commands/commands.h"
#include "sync/engine/reply_policy.h"
#include "sync/engine/server_info.h"
#include "sync/resp/encoder.h"

namespace lockstep::engine {

namespace {

constexpr size_t read_buffer_bytes = 128 * 1024;
constexpr size_t spare_bytes_max = 2 << 20;
constexpr Bytes ok_reply = "+OK\r\n";
constexpr const char* key_gone = "GONE the key was no longer there";
constexpr const char* field_gone = "GONE a field was no longer there";
constexpr int64_t no_such_field = -2;
constexpr const char* entry_gone = "GONE the entry that was claimed is deleted";

/// Behind the message that begins at `at`; nodes are in preorder.
size_t end_of(const std::vector<resp::Node>& nodes, size_t at) {
  for (size_t open = 1; open > 0; ++at) open += nodes[at].child_count - 1;
  return at;
}

/// The reply to XCLAIM at `at` has an entry, or an id, for what was claimed.
bool claimed(const std::vector<resp::Node>& nodes, size_t at) {
  if (nodes[at].child_count == 0) return false;
  const size_t end = end_of(nodes, at);
  for (++at; at < end; at = end_of(nodes, at)) {
    if (nodes[at].type == resp::Type::null) return false;
  }
  return true;
}

/// What HPEXPIREAT and its kin answer for a field that is not there, HGETEX for its value.
bool missing(const resp::Node& node) {
  return node.type == resp::Type::null ||
         (node.type == resp::Type::integer && node.integer == no_such_field);
}

bool lacks_field(const std::vector<resp::Node>& nodes, size_t at) {
  return std::any_of(nodes.begin() + at, nodes.begin() + end_of(nodes, at), missing);
}

}  // namespace

TargetNode::TargetNode(asio::any_io_executor executor, net::Endpoint endpoint, size_t link_count,
                       size_t outstanding_bytes_max, NodeObserver& observer)
    : executor_(executor),
      endpoint_(std::move(endpoint)),
      observer_(observer),
      outstanding_bytes_max_(outstanding_bytes_max),
      progress_(link_count),
      write_wake_(executor) {}

asio::awaitable<void> TargetNode::revive() {
  net::ClientOptions options;
  options.name = "lockstep-sync";
  client_ = co_await net::Client::connect(endpoint_, options);
  co_await end_predecessor();
  parser_ = resp::Parser();
  graveyard_.clear();
  selected_ = executed_ = DbIndex{0};
  scripts_.clear();
  up_ = true;
}

// By its number (CLIENT ID, since 5.0), where the server has not been started anew since. One that
// cannot answer now, such as one that runs a script, is asked again with the next revive().
asio::awaitable<void> TargetNode::end_predecessor() {
  std::string questions;
  resp::append_command(questions, {"CLIENT", "ID"});
  resp::append_command(questions, {"INFO", "server"});
  const auto answers = co_await client_->pipeline(std::move(questions), 2);
  if (client_id_ > 0 && answers[1].is_error())
    throw ConnectionError(fmt::format("{}: {}", endpoint_.label(), answers[1].text));
  const std::string run_id = parse_info(answers[1].text).run_id;
  if (client_id_ > 0 && run_id == run_id_) {
    std::vector<std::string> kill{"CLIENT", "KILL", "ID", std::to_string(client_id_)};
    const resp::Value reply = co_await client_->command(std::move(kill));
    if (reply.is_error())
      spdlog::warn(
          "{} does not end the connection that was lost ({}): what it has not read of it "
          "yet may be done later",
          endpoint_.label(), reply.text);
  }
  client_id_ = answers[0].is_error() ? 0 : answers[0].integer;
  run_id_ = run_id;
}

std::string& TargetNode::begin_unit(DbIndex db, Offset before, uint16_t link) {
  if (progress_[link].outstanding == 0) progress_[link].acked = before;
  if (db != selected_) {
    current_begin_ = current_.size();
    resp::append_command(current_, {"SELECT", std::to_string(db.value)});
    selected_ = db;
    end_unit({.link = link, .kind = UnitKind::select, .db = db, .end = before});
  }
  current_begin_ = current_.size();
  return current_;
}

void TargetNode::end_unit(Unit unit) {
  unit.bytes = static_cast<uint32_t>(current_.size() - current_begin_);
  outstanding_bytes_ += unit.bytes;
  LinkProgress& progress = progress_[unit.link];
  progress.appended = unit.end;
  ++progress.outstanding;
  units_.push_back(unit);
  if (!up_ && !closed_) return fail_outstanding();
  if (congested()) observer_.on_congested();
  write_wake_.notify();
}

asio::awaitable<void> TargetNode::write_requests() {
  while (up_ && !closed_) {
    if (current_.empty()) {
      co_await write_wake_.wait();
      continue;
    }
    sent_.push_back(std::exchange(current_, std::exchange(spare_, {})));
    const asio::const_buffer buffer(sent_.back().data(), sent_.back().size());
    bytes_sent_ += buffer.size();
    std::string broken;
    try {
      co_await client_->stream().write(std::span(&buffer, 1));
    } catch (const ConnectionError& error) {
      broken = error.what();
    }
    if (!broken.empty()) disconnect(broken);
  }
}

asio::awaitable<void> TargetNode::read_replies() {
  std::string input;
  std::string buffer(read_buffer_bytes, '\0');
  while (up_ && !closed_) {
    std::string broken;
    try {
      const size_t n = co_await client_->stream().read_some(asio::buffer(buffer));
      if (input.empty()) {
        const size_t used = consume_replies(Bytes(buffer.data(), n));
        input.assign(buffer, used, n - used);
      } else {
        input.append(buffer, 0, n);
        input.erase(0, consume_replies(input));
      }
    } catch (const ConnectionError& error) {
      broken = error.what();
    } catch (const FormatError& error) {
      broken = fmt::format("{} answered with something that is not RESP: {}", endpoint_.label(),
                           error.what());
    }
    if (!broken.empty()) disconnect(broken);
  }
}

size_t TargetNode::consume_replies(Bytes input) {
  size_t used = 0;
  while (used < input.size() && !units_.empty()) {
    const Bytes rest = input.substr(used);
    if (!parser_.in_message() && rest.starts_with(ok_reply)) {
      on_reply(false, {}, 0, false);
      used += ok_reply.size();
      continue;
    }
    const auto length = parser_.parse(rest);
    if (!length) break;
    const auto& nodes = parser_.nodes();
    const resp::Node& top = nodes.front();
    const bool error = top.type == resp::Type::error || top.type == resp::Type::bulk_error;
    if (units_.front().exec && units_.front().replies == 1 && !error) scan_exec(nodes);
    if (units_.front().expect_claims && !units_.front().exec && !error && !claimed(nodes, 0)) {
      units_.front().failed = true;
      front_error_ = entry_gone;
    }
    if (units_.front().expect_fields && !error && lacks_field(nodes, 0)) {
      units_.front().failed = true;
      front_error_ = field_gone;
    }
    on_reply(error, top.text, top.integer, top.type == resp::Type::integer);
    used += *length;
  }
  observer_.on_progress();
  return used;
}

void TargetNode::scan_exec(const std::vector<resp::Node>& nodes) {
  for (const resp::Node& node : nodes) {
    if (node.type == resp::Type::error || node.type == resp::Type::bulk_error) {
      units_.front().failed = true;
      if (front_error_.empty()) front_error_ = node.text;
    }
  }
  if (nodes.front().type == resp::Type::null) {
    units_.front().failed = true;
    front_error_ = "EXECABORT the transaction was not applied";
  }
  const bool stream = units_.front().kind == UnitKind::transaction;
  if (stream && !units_.front().failed && found_key_gone(nodes)) {
    units_.front().failed = true;
    front_error_ = key_gone;
  }
}

/// The same as `expect_nonzero` and `expect_fields`, for the commands between MULTI and EXEC.
bool TargetNode::found_key_gone(const std::vector<resp::Node>& nodes) const {
  const auto zero = [](const resp::Node& node) {
    return node.type == resp::Type::integer && node.integer == 0;
  };
  const bool claims = units_.front().expect_claims;
  const auto tells = [&](const resp::Node& node) { return zero(node) || missing(node); };
  if (!claims && std::none_of(nodes.begin() + 1, nodes.end(), tells)) return false;
  resp::CommandParser parser;
  Bytes requests = front_request();
  size_t at = 0;  // of the reply to the command before
  for (bool multi = true; !requests.empty() && at < nodes.size(); multi = false) {
    const auto length = parser.parse(requests);
    LOCKSTEP_ASSERT(length.has_value());  // we wrote it
    const commands::Spec* spec = commands::find(parser.args());
    if (!multi && spec && needs_its_key(spec->name) && zero(nodes[at])) return true;
    if (!multi && spec && needs_its_fields(spec->name) && lacks_field(nodes, at)) return true;
    if (!multi && claims && spec && spec->name == "xclaim" && !claimed(nodes, at)) return true;
    at = multi ? 1 : end_of(nodes, at);
    requests.remove_prefix(*length);
  }
  return false;
}

void TargetNode::on_reply(bool error, Bytes text, int64_t integer, bool integer_reply) {
  Unit& unit = units_.front();
  if (error) {
    unit.failed = true;
    if (front_error_.empty()) front_error_ = text;
  } else if (unit.expect_nonzero && integer_reply && integer == 0) {
    unit.failed = true;
    front_error_ = key_gone;
  }
  if (--unit.replies == 0) finish_front();
}

Bytes TargetNode::front_request() const {
  const std::string& buffer = sent_.empty() ? current_ : sent_.front();
  return Bytes(buffer).substr(front_offset_, units_.front().bytes);
}

void TargetNode::finish_front() {
  const Unit unit = units_.front();
  const bool doubtful = !unit.failed && observer_.doubts(unit);
  FailedUnit failed;
  if (unit.failed || doubtful)
    failed = {unit, std::string(front_request()), std::exchange(front_error_, {}),
              strayed_to(unit)};
  units_.pop_front();
  front_offset_ += unit.bytes;
  outstanding_bytes_ -= unit.bytes;
  ++commands_done_;
  if (!sent_.empty() && front_offset_ == sent_.front().size()) {
    if (up_ && spare_.capacity() == 0 && sent_.front().capacity() <= spare_bytes_max) {
      spare_ = std::move(sent_.front());
      spare_.clear();
    }
    if (!up_) graveyard_.push_back(std::move(sent_.front()));
    sent_.pop_front();
    front_offset_ = 0;
  }
  LinkProgress& progress = progress_[unit.link];
  progress.acked = unit.end;
  --progress.outstanding;
  if (up_) note_executed(unit, failed.error);
  if (unit.failed) return observer_.on_unit_failed(std::move(failed));
  if (doubtful) observer_.on_unit_doubtful(std::move(failed));
}

/// What is under way behind a refused SELECT is done in another database, if it is done.
void TargetNode::note_executed(const Unit& unit, const std::string& error) {
  if (unit.kind == UnitKind::transaction && !unit.failed) executed_ = unit.db_after;
  if (unit.kind == UnitKind::select && !unit.failed) executed_ = unit.db;
  if (unit.kind != UnitKind::select || !unit.failed) return;
  astray_ = true;
  disconnect(fmt::format("{}: it refused to select database {}: {}", endpoint_.label(),
                         unit.db.value, error));
  astray_ = false;
}

std::optional<DbIndex> TargetNode::strayed_to(const Unit& unit) const {
  if (!astray_ || unit.kind == UnitKind::select || unit.db == executed_) return {};
  return executed_;
}

void TargetNode::disconnect(const std::string& reason) {
  if (!up_) return;
  up_ = false;
  client_->close();
  if (closed_) return;
  down_reason_ = reason;
  observer_.on_down(reason);
  fail_outstanding();
  write_wake_.notify();
  observer_.on_progress();
}

void TargetNode::fail_outstanding() {
  while (!units_.empty()) {
    units_.front().failed = true;
    front_error_ = "CONNECTION " + down_reason_;
    finish_front();
  }
  // The write under way may still look at its buffer until it has noticed.
  for (std::string& buffer : sent_) graveyard_.push_back(std::move(buffer));
  sent_.clear();
  current_.clear();
  front_offset_ = 0;
}

void TargetNode::close() {
  closed_ = true;
  up_ = false;
  if (client_) client_->close();
  write_wake_.notify();
}

}  // namespace lockstep::engine
