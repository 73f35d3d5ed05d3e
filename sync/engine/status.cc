#include "sync/engine/status.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace lockstep::engine {

namespace {

using nlohmann::ordered_json;

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

/// Keys in hexadecimal: they may be any bytes.
ordered_json ahead_json(const std::vector<FenceBook::Ahead>& keys) {
  ordered_json json = ordered_json::array();
  for (const FenceBook::Ahead& key : keys) {
    json.push_back({{"db", key.db.value}, {"key_hex", hex(key.key)}, {"offset", key.at.value}});
  }
  return json;
}

ordered_json unsupported_json(const UnsupportedStatus& left_out) {
  ordered_json examples = ordered_json::array();
  for (const UnsupportedStatus::Key& key : left_out.examples)
    examples.push_back({{"db", key.db.value},
                        {"key", printable(key.key)},
                        {"key_hex", hex(key.key)},
                        {"reason", fence::unsupported_name(key.reason)}});
  return {{"keys", left_out.keys},
          {"streams", left_out.streams},
          {"field_expiry", left_out.field_expiry},
          {"modules", left_out.modules},
          {"databases", left_out.databases},
          {"functions", left_out.functions},
          {"commands", left_out.commands},
          {"examples", examples}};
}

ordered_json hold_json(const HoldStatus& hold) {
  return {{"id", hold.id},
          {"lease_left_ms", hold.lease_left_ms},
          {"count", hold.count},
          {"expired", hold.expired},
          {"longest_ms", hold.longest_ms}};
}

ordered_json link_json(const LinkStatus& link) {
  return {{"source", link.source},
          {"target", link.target},
          {"phase", link.phase},
          {"replid", link.replid},
          {"source_offset", link.source_offset.value},
          {"received_offset", link.received_offset.value},
          {"applied_offset", link.applied_offset.value},
          {"delay_ms", link.delay_ms},
          {"bytes_received", link.bytes_received},
          {"snapshot_bytes", link.snapshot_bytes},
          {"snapshot_bytes_total", link.snapshot_bytes_total},
          {"keys_loaded", link.keys_loaded},
          {"keys_total", link.keys_total},
          {"restored", link.restored},
          {"plain", link.plain},
          {"rebuilt", link.rebuilt},
          {"commands", link.commands},
          {"transactions", link.transactions},
          {"transactions_split", link.transactions_split},
          {"merged_sets", link.merged_sets},
          {"splits", link.splits},
          {"fences", link.fences},
          {"dropped", link.dropped},
          {"rewritten", link.rewritten},
          {"unknown", link.unknown},
          {"unsupported", unsupported_json(link.unsupported)},
          {"reconnects", link.reconnects},
          {"ahead", ahead_json(link.ahead)},
          {"spool_bytes", link.spool_bytes},
          {"spool_disk_bytes", link.spool_disk_bytes}};
}

std::string escape_label(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

void metric(std::string& out, const char* name, const char* type, const char* help) {
  out += fmt::format("# HELP lockstep_{} {}\n# TYPE lockstep_{} {}\n", name, help, name, type);
}

template <class Get>
void link_metric(std::string& out, const Status& status, const char* name, const char* type,
                 const char* help, Get get) {
  metric(out, name, type, help);
  for (const LinkStatus& link : status.links) {
    out += fmt::format("lockstep_{}{{source=\"{}\",target=\"{}\"}} {}\n", name,
                       escape_label(link.source), escape_label(link.target), get(link));
  }
}

void stream_metrics(std::string& out, const Status& status) {
  link_metric(out, status, "source_offset", "gauge",
              "Replication offset of the source, asked every second",
              [](auto& l) { return l.source_offset.value; });
  link_metric(out, status, "received_offset", "gauge", "Replication offset received",
              [](auto& l) { return l.received_offset.value; });
  link_metric(out, status, "applied_offset", "gauge", "Replication offset applied to the target",
              [](auto& l) { return l.applied_offset.value; });
  link_metric(out, status, "delay_seconds", "gauge", "Age of the oldest byte not yet applied",
              [](auto& l) { return static_cast<double>(l.delay_ms) / 1000; });
  link_metric(out, status, "received_bytes_total", "counter", "Bytes received from the source",
              [](auto& l) { return l.bytes_received; });
  link_metric(out, status, "spool_bytes", "gauge", "Bytes received and not yet planned",
              [](auto& l) { return l.spool_bytes; });
  link_metric(out, status, "spool_disk_bytes", "gauge", "The part of them on disk",
              [](auto& l) { return l.spool_disk_bytes; });
}

void counter_metrics(std::string& out, const Status& status) {
  link_metric(out, status, "keys_loaded_total", "counter", "Keys of the full copy",
              [](auto& l) { return l.keys_loaded; });
  link_metric(out, status, "commands_total", "counter", "Commands of the stream",
              [](auto& l) { return l.commands; });
  link_metric(out, status, "transactions_total", "counter", "Transactions of the stream",
              [](auto& l) { return l.transactions; });
  link_metric(out, status, "transactions_split_total", "counter", "Transactions not applied as one",
              [](auto& l) { return l.transactions_split; });
  link_metric(out, status, "merged_sets_total", "counter", "SETs that went as one MSET with others",
              [](auto& l) { return l.merged_sets; });
  link_metric(out, status, "splits_total", "counter", "Commands split by slot",
              [](auto& l) { return l.splits; });
  link_metric(out, status, "fences_total", "counter", "Keys read again from the source",
              [](auto& l) { return l.fences; });
  link_metric(out, status, "rewritten_total", "counter",
              "Commands that the target does not know, sent as others",
              [](auto& l) { return l.rewritten; });
  link_metric(out, status, "unknown_total", "counter",
              "Commands that the target does not know, whose keys were read again",
              [](auto& l) { return l.unknown; });
  link_metric(out, status, "unsupported_keys", "gauge",
              "Keys that were left out because the target cannot hold them",
              [](auto& l) { return l.unsupported.keys; });
  link_metric(out, status, "reconnects_total", "counter", "Partial resyncs",
              [](auto& l) { return l.reconnects; });
}

}  // namespace

const char* state_name(State state) {
  switch (state) {
    case State::initialising:
      return "initialising";
    case State::synchronising:
      return "synchronising";
    case State::failed:
      return "failed";
    case State::finished:
      return "finished";
  }
  return "?";
}

UnsupportedStatus unsupported_in(const Status& status) {
  UnsupportedStatus sum;
  for (const LinkStatus& link : status.links) {
    sum.keys += link.unsupported.keys;
    sum.functions += link.unsupported.functions;
    sum.commands += link.unsupported.commands;
  }
  return sum;
}

std::string to_json(const Status& status) {
  ordered_json links = ordered_json::array();
  for (const LinkStatus& link : status.links) links.push_back(link_json(link));
  const ordered_json json{
      {"state", state_name(status.state)},
      {"error", status.error},
      {"held", status.held},
      {"hold", hold_json(status.hold)},
      {"expiry", status.expiry == ExpiryMode::replica ? "replica" : "exact"},
      {"expiry_grace_ms", status.expiry_grace_ms},
      {"caught_up", status.caught_up},
      {"uptime_ms", status.uptime_ms},
      {"recoveries", status.recoveries},
      {"failed_requests", status.failed_requests},
      {"last_failure", status.last_failure},
      {"memory_peak_bytes", status.memory_peak_bytes},
      {"unsupported", status.unsupported == OnUnsupported::stop ? "stop" : "report"},
      {"unsupported_list", status.unsupported_list},
      {"unsupported_keys", unsupported_in(status).keys},
      {"unsupported_functions", unsupported_in(status).functions},
      {"links", links}};
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string to_prometheus(const Status& status) {
  std::string out;
  metric(out, "state", "gauge", "1 for the state the task is in");
  for (State state : {State::initialising, State::synchronising, State::failed, State::finished}) {
    out += fmt::format("lockstep_state{{state=\"{}\"}} {}\n", state_name(state),
                       status.state == state ? 1 : 0);
  }
  metric(out, "recoveries_total", "counter",
         "Times the target refused something or went away and was settled");
  out += fmt::format("lockstep_recoveries_total {}\n", status.recoveries);
  metric(out, "memory_peak_bytes", "gauge", "Peak resident memory of this process");
  out += fmt::format("lockstep_memory_peak_bytes {}\n", status.memory_peak_bytes);
  stream_metrics(out, status);
  counter_metrics(out, status);
  return out;
}

uint64_t memory_peak_bytes() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

}  // namespace lockstep::engine
