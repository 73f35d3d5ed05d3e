#include "sync/resp/parser.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "sync/base/error.h"
#include "sync/resp/scan.h"

namespace lockstep::resp {
namespace {

template <class Number>
bool parse_whole(Bytes text, Number& number) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

bool is_big_number(Bytes text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == Bytes::npos;
}

Value take_value(const std::vector<Node>& nodes, size_t& index) {
  const Node& node = nodes[index++];
  Value value{node.type, std::string(node.text), node.integer, node.number, {}};
  value.items.reserve(node.child_count);
  for (size_t i = 0; i < node.child_count; ++i) value.items.push_back(take_value(nodes, index));
  return value;
}

}  // namespace

std::optional<size_t> Parser::parse(Bytes input) {
  begin_or_resume(input);
  while (!complete_) {
    if (!read_node(input)) return std::nullopt;
  }
  length_ = at_;
  return length_;
}

Value Parser::value() const {
  LOCKSTEP_ASSERT(complete_ && !nodes_.empty());
  size_t index = 0;
  return take_value(nodes_, index);
}

void Parser::begin_or_resume(Bytes input) {
  if (complete_) {
    offset_ += length_;
    nodes_.clear();
    at_ = line_scanned_ = length_ = 0;
    complete_ = false;
  } else if (input.data() != base_) {
    // Costs no more than the caller's own moving of these bytes.
    for (Node& node : nodes_) node.text = detail::rebase(node.text, base_, input.data());
  }
  base_ = input.data();
}

bool Parser::read_node(Bytes input) {
  if (at_ >= input.size()) return need(at_ + 1);
  const Type type{input[at_]};
  switch (type) {
    case Type::simple_string:
    case Type::error:
    case Type::integer:
    case Type::null:
    case Type::boolean:
    case Type::real:
    case Type::big_number:
      return read_line_node(input, type);
    case Type::bulk_string:
    case Type::bulk_error:
    case Type::verbatim:
      return read_bulk_node(input, type);
    case Type::array:
    case Type::map:
    case Type::set:
    case Type::attribute:
    case Type::push:
      return read_aggregate_node(input, type);
  }
  fail("not the first byte of a RESP message");
}

bool Parser::read_line_node(Bytes input, Type type) {
  const size_t begin = at_ + 1;
  const size_t from = std::max(begin, line_scanned_);
  const void* const newline = std::memchr(input.data() + from, '\n', input.size() - from);
  const size_t end = newline == nullptr
                         ? input.size()
                         : static_cast<size_t>(static_cast<const char*>(newline) - input.data());
  if (end - begin > limits_.line_bytes_max + 1) fail("line longer than allowed");
  if (newline == nullptr) {
    line_scanned_ = end;
    return need(end + 1);
  }
  if (end == begin || input[end - 1] != '\r') fail("line does not end with CR LF");
  Node& node = nodes_.emplace_back();
  node.type = type;
  set_line_value(node, input.substr(begin, end - 1 - begin));
  at_ = end + 1;
  node_complete();
  return true;
}

void Parser::set_line_value(Node& node, Bytes line) {
  bool good = true;
  switch (node.type) {
    case Type::integer:
      good = parse_whole(line, node.integer);
      break;
    case Type::real:
      good = parse_whole(line, node.number);
      break;
    case Type::boolean:
      good = line == "t" || line == "f";
      node.integer = line == "t";
      break;
    case Type::null:
      good = line.empty();
      break;
    case Type::big_number:
      good = is_big_number(line);
      [[fallthrough]];
    default:
      if (!line.empty()) node.text = line;
  }
  if (!good) fail("malformed number, boolean or null");
}

bool Parser::read_bulk_node(Bytes input, Type type) {
  size_t begin = at_ + 1;
  const std::optional<int64_t> length = read_length(input, begin);
  if (!length) return false;
  const bool null = *length == -1 && type == Type::bulk_string;
  if (!null && *length < 0) fail("negative length of a string");
  if (*length > static_cast<int64_t>(limits_.bulk_bytes_max)) fail("string longer than allowed");
  const size_t size = null ? 0 : static_cast<size_t>(*length);
  if (!null) {
    if (input.size() - begin < size + 2) return need(begin + size + 2);
    if (input[begin + size] != '\r' || input[begin + size + 1] != '\n') {
      fail("string does not end with CR LF where its length says");
    }
  }
  Bytes text = input.substr(begin, size);
  at_ = null ? begin : begin + size + 2;
  if (type == Type::verbatim) {
    if (size < 4 || text[3] != ':') fail("verbatim string without its format");
    text.remove_prefix(4);
  }
  Node& node = nodes_.emplace_back();
  node.type = null ? Type::null : type;
  if (!text.empty()) node.text = text;
  node_complete();
  return true;
}

bool Parser::read_aggregate_node(Bytes input, Type type) {
  size_t begin = at_ + 1;
  const std::optional<int64_t> count = read_length(input, begin);
  if (!count) return false;
  const bool null = *count == -1 && type == Type::array;
  if (!null && *count < 0) fail("negative number of elements");
  const bool pairs = type == Type::map || type == Type::attribute;
  const size_t room = limits_.elements_max - std::min(limits_.elements_max, nodes_.size());
  if (!null && static_cast<uint64_t>(*count) > (pairs ? room / 2 : room)) {
    fail("more elements than allowed");
  }
  if (open_.size() >= limits_.depth_max) fail("nested deeper than allowed");
  Node& node = nodes_.emplace_back();
  node.type = null ? Type::null : type;
  node.child_count = null ? 0 : static_cast<size_t>(*count) * (pairs ? 2 : 1);
  at_ = begin;
  if (node.child_count > 0) {
    open_.push_back({nodes_.size() - 1, node.child_count});
  } else if (type == Type::attribute) {
    nodes_.pop_back();
  } else {
    node_complete();
  }
  return true;
}

/// The length line at `at`; nullopt: need more.
std::optional<int64_t> Parser::read_length(Bytes input, size_t& at) {
  int64_t value = 0;
  switch (detail::scan_length(input, at, value)) {
    case detail::Scan::complete:
      return value;
    case detail::Scan::need_more:
      need(input.size() + 1);
      return std::nullopt;
    case detail::Scan::malformed:
      break;
  }
  fail("malformed length");
}

/// The node at the end of nodes_ has all its children: so may its parents. An attribute is not a
/// child of what it stands in.
void Parser::node_complete() {
  line_scanned_ = 0;
  while (!open_.empty()) {
    if (--open_.back().remaining > 0) return;
    const size_t parent = open_.back().node;
    open_.pop_back();
    if (nodes_[parent].type == Type::attribute) {
      nodes_.resize(parent);
      return;
    }
  }
  complete_ = true;
}

bool Parser::need(size_t bytes) {
  needed_ = bytes;
  return false;
}

void Parser::fail(const char* context) const { throw FormatError(offset_ + at_, context); }

}  // namespace lockstep::resp
