#include "sync/cluster/topology.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "sync/base/error.h"

namespace lockstep::cluster {

namespace {

using Range = std::pair<Slot, Slot>;

[[noreturn]] void malformed(const std::string& what) {
  throw FormatError(0, "the cluster's topology is not understood: " + what);
}

uint16_t parse_number(Bytes text, unsigned bound) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > bound)
    malformed("\"" + printable(text) + "\" is no number that fits");
  return static_cast<uint16_t>(value);
}

Slot make_slot(int64_t value) {
  if (value < 0 || value >= slot_count) malformed("slot " + std::to_string(value));
  return Slot{static_cast<uint16_t>(value)};
}

std::vector<Bytes> split(Bytes text, char separator) {
  std::vector<Bytes> parts;
  while (true) {
    const size_t end = text.find(separator);
    if (end != 0) parts.push_back(text.substr(0, end));
    if (end == Bytes::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// "127.0.0.1:6379@16379,hostname": the host is empty or "?" where a node does not know itself.
net::Endpoint node_endpoint(Bytes address, const net::Endpoint& asked) {
  address = address.substr(0, address.find(','));
  address = address.substr(0, address.find('@'));
  const size_t colon = address.rfind(':');
  if (colon == Bytes::npos) malformed("the address \"" + printable(address) + "\"");
  const Bytes host = address.substr(0, colon);
  return asked.with_address(host.empty() || host == "?" ? asked.host : std::string(host),
                            parse_number(address.substr(colon + 1), 65535));
}

struct ParsedNode {
  Node node;
  std::vector<Range> slots;
};

void parse_slot_field(Bytes field, ParsedNode& parsed, Topology& topology) {
  if (field.starts_with('[')) {
    const size_t end = field.find("->-");
    const size_t other = field.find("-<-");
    topology.migrating.push_back(
        make_slot(parse_number(field.substr(1, std::min(end, other) - 1), slot_count)));
    return;
  }
  const size_t dash = field.find('-');
  const Slot first = make_slot(parse_number(field.substr(0, dash), slot_count));
  const Slot last =
      dash == Bytes::npos ? first : make_slot(parse_number(field.substr(dash + 1), slot_count));
  if (last < first) malformed("the slots \"" + printable(field) + "\"");
  parsed.slots.emplace_back(first, last);
}

ParsedNode parse_node_line(Bytes line, const net::Endpoint& asked, Topology& topology) {
  const std::vector<Bytes> fields = split(line, ' ');
  if (fields.size() < 8) malformed("the line \"" + printable(line) + "\"");
  ParsedNode parsed;
  const std::vector<Bytes> flags = split(fields[2], ',');
  const auto has = [&](Bytes flag) {
    return std::find(flags.begin(), flags.end(), flag) != flags.end();
  };
  parsed.node.id = fields[0];
  parsed.node.primary = has("master");
  parsed.node.primary_id = fields[3] == "-" ? "" : std::string(fields[3]);
  parsed.node.healthy = !has("fail") && !has("handshake") && !has("noaddr") &&
                        (has("myself") || fields[7] == "connected");
  if (!has("noaddr")) parsed.node.endpoint = node_endpoint(fields[1], asked);
  for (size_t i = 8; i < fields.size(); ++i) parse_slot_field(fields[i], parsed, topology);
  return parsed;
}

void sort_shards(Topology& topology) {
  for (Shard& shard : topology.shards) std::sort(shard.slots.begin(), shard.slots.end());
  std::sort(topology.shards.begin(), topology.shards.end(),
            [](const Shard& a, const Shard& b) { return a.slots < b.slots; });
}

/// A node of CLUSTER SLOTS: [host, port, id, …]. The host may be null (unknown endpoint) or empty.
Node node_of_slots(const resp::Value& value, const net::Endpoint& asked) {
  if (value.items.size() < 2) malformed("a node of CLUSTER SLOTS");
  const std::string& host = value.items[0].text;
  Node node;
  node.endpoint = asked.with_address(host.empty() || host == "?" ? asked.host : host,
                                     parse_number(std::to_string(value.items[1].integer), 65535));
  node.id = value.items.size() > 2 ? value.items[2].text : node.endpoint.label();
  return node;
}

const resp::Value* field(const resp::Value& map, Bytes name) {
  for (size_t i = 0; i + 1 < map.items.size(); i += 2) {
    if (map.items[i].text == name) return &map.items[i + 1];
  }
  return nullptr;
}

Node node_of_shards(const resp::Value& value, const net::Endpoint& asked) {
  const auto text = [&](Bytes name) {
    const auto* found = field(value, name);
    return found ? found->text : std::string();
  };
  const resp::Value* port = field(value, asked.tls ? "tls-port" : "port");
  if (!port) port = field(value, "port");
  if (!port) malformed("a node of CLUSTER SHARDS without a port");
  std::string host = text("endpoint");
  if (host.empty() || host == "?") host = text("ip");
  Node node;
  node.id = text("id");
  node.primary = text("role") == "master";
  node.healthy = text("health") == "online";
  node.endpoint = asked.with_address(host.empty() ? asked.host : host,
                                     parse_number(std::to_string(port->integer), 65535));
  return node;
}

}  // namespace

std::optional<size_t> Topology::shard_of(Slot slot) const {
  if (!clustered && !shards.empty()) return 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    for (const auto& [first, last] : shards[i].slots) {
      if (slot >= first && slot <= last) return i;
    }
  }
  return std::nullopt;
}

std::vector<Range> Topology::uncovered() const {
  if (!clustered) return {};
  std::vector<Range> owned;
  for (const Shard& shard : shards)
    owned.insert(owned.end(), shard.slots.begin(), shard.slots.end());
  std::sort(owned.begin(), owned.end());
  std::vector<Range> gaps;
  int next = 0;
  for (const auto& [first, last] : owned) {
    if (first.value > next) gaps.emplace_back(make_slot(next), make_slot(first.value - 1));
    next = std::max<int>(next, last.value + 1);
  }
  if (next < slot_count) gaps.emplace_back(make_slot(next), Slot{slot_count - 1});
  return gaps;
}

Topology parse_cluster_nodes(const std::string& text, const net::Endpoint& asked) {
  Topology topology;
  topology.clustered = true;
  std::map<std::string, size_t> shard_by_id;
  std::vector<Node> replicas;
  for (Bytes line : split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    ParsedNode parsed = parse_node_line(line, asked, topology);
    if (!parsed.node.primary) {
      replicas.push_back(std::move(parsed.node));
    } else if (!parsed.slots.empty()) {
      topology.shards.push_back(
          {.primary = std::move(parsed.node), .replicas = {}, .slots = std::move(parsed.slots)});
    }
  }
  sort_shards(topology);
  for (size_t i = 0; i < topology.shards.size(); ++i)
    shard_by_id[topology.shards[i].primary.id] = i;
  for (Node& replica : replicas) {
    const auto found = shard_by_id.find(replica.primary_id);
    if (found != shard_by_id.end())
      topology.shards[found->second].replicas.push_back(std::move(replica));
  }
  return topology;
}

Topology parse_cluster_slots(const resp::Value& reply, const net::Endpoint& asked) {
  Topology topology;
  topology.clustered = true;
  std::map<std::string, size_t> shard_by_id;
  for (const resp::Value& range : reply.items) {
    if (range.items.size() < 3) malformed("a range of CLUSTER SLOTS");
    const Range slots{make_slot(range.items[0].integer), make_slot(range.items[1].integer)};
    if (slots.second < slots.first) malformed("a range of CLUSTER SLOTS");
    Node primary = node_of_slots(range.items[2], asked);
    const auto [known, added] = shard_by_id.emplace(primary.id, topology.shards.size());
    if (added) {
      topology.shards.push_back({.primary = primary, .replicas = {}, .slots = {}});
      for (size_t i = 3; i < range.items.size(); ++i) {
        Node replica = node_of_slots(range.items[i], asked);
        replica.primary = false;
        replica.primary_id = primary.id;
        topology.shards.back().replicas.push_back(std::move(replica));
      }
    }
    topology.shards[known->second].slots.push_back(slots);
  }
  sort_shards(topology);
  return topology;
}

Topology parse_cluster_shards(const resp::Value& reply, const net::Endpoint& asked) {
  Topology topology;
  topology.clustered = true;
  for (const resp::Value& item : reply.items) {
    const resp::Value* slots = field(item, "slots");
    const resp::Value* nodes = field(item, "nodes");
    if (!slots || !nodes) malformed("a shard of CLUSTER SHARDS");
    if (slots->items.empty()) continue;
    Shard shard;
    for (size_t i = 0; i + 1 < slots->items.size(); i += 2) {
      shard.slots.emplace_back(make_slot(slots->items[i].integer),
                               make_slot(slots->items[i + 1].integer));
    }
    bool has_primary = false;
    for (const resp::Value& value : nodes->items) {
      Node node = node_of_shards(value, asked);
      if (node.primary && (node.healthy || !has_primary)) {
        shard.primary = std::move(node);
        has_primary = true;
      } else if (!node.primary) {
        shard.replicas.push_back(std::move(node));
      }
    }
    if (!has_primary) malformed("a shard of CLUSTER SHARDS without a primary");
    for (Node& replica : shard.replicas) replica.primary_id = shard.primary.id;
    topology.shards.push_back(std::move(shard));
  }
  sort_shards(topology);
  return topology;
}

}  // namespace lockstep::cluster
