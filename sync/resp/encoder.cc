#include "sync/resp/encoder.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace lockstep::resp {
namespace {

void append_header(std::string& out, char type, size_t number) {
  char buffer[24];
  buffer[0] = type;
  char* const end = std::to_chars(buffer + 1, buffer + sizeof buffer - 2, number).ptr;
  end[0] = '\r';
  end[1] = '\n';
  out.append(buffer, static_cast<size_t>(end + 2 - buffer));
}

void append_line(std::string& out, Type type, Bytes text) {
  out += static_cast<char>(type);
  out += text;
  out += "\r\n";
}

void append_text(std::string& out, Type type, Bytes text) {
  append_header(out, static_cast<char>(type), text.size());
  out += text;
  out += "\r\n";
}

/// A line cannot hold a line end: such a text goes as the bulk form of the same kind.
void append_line_or_bulk(std::string& out, Type line, Type bulk, Bytes text) {
  if (text.find_first_of("\r\n") == Bytes::npos) {
    append_line(out, line, text);
  } else {
    append_text(out, bulk, text);
  }
}

std::string format_real(double number) {
  return std::isnan(number) ? "nan" : fmt::format("{}", number);
}

void append_aggregate(std::string& out, const Value& value) {
  const bool pairs = value.type == Type::map || value.type == Type::attribute;
  append_header(out, static_cast<char>(value.type), value.items.size() / (pairs ? 2 : 1));
  for (const Value& item : value.items) append_value(out, item);
}

template <class Args>
void append_request(std::string& out, const Args& args) {
  append_array_header(out, args.size());
  for (const Bytes arg : args) append_bulk(out, arg);
}

}  // namespace

void append_command(std::string& out, std::span<const Bytes> args) { append_request(out, args); }

void append_command(std::string& out, std::initializer_list<Bytes> args) {
  append_request(out, args);
}

void append_array_header(std::string& out, size_t count) { append_header(out, '*', count); }

void append_bulk(std::string& out, Bytes text) { append_text(out, Type::bulk_string, text); }

void append_value(std::string& out, const Value& value) {
  switch (value.type) {
    case Type::simple_string:
      return append_line_or_bulk(out, value.type, Type::bulk_string, value.text);
    case Type::error:
      return append_line_or_bulk(out, value.type, Type::bulk_error, value.text);
    case Type::big_number:
      return append_line(out, value.type, value.text);
    case Type::integer:
      return append_line(out, value.type, fmt::format_int(value.integer).c_str());
    case Type::boolean:
      return append_line(out, value.type, value.integer != 0 ? "t" : "f");
    case Type::real:
      return append_line(out, value.type, format_real(value.number));
    case Type::null:
      return append_line(out, value.type, "");
    case Type::bulk_string:
    case Type::bulk_error:
      return append_text(out, value.type, value.text);
    case Type::verbatim:
      return append_text(out, value.type, "txt:" + value.text);
    case Type::array:
    case Type::set:
    case Type::push:
    case Type::map:
    case Type::attribute:
      return append_aggregate(out, value);
  }
}

}  // namespace lockstep::resp
