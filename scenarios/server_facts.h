#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <string>
#include <vector>

#include "sync/net/endpoint.h"

namespace lockstep::scenarios {

/// The fields of one section of INFO.
boost::asio::awaitable<std::map<std::string, std::string>> info_of(net::Endpoint server,
                                                                   std::string section);
/// master_repl_offset.
boost::asio::awaitable<int64_t> replication_offset(net::Endpoint server);
/// One command to one server; an error reply is thrown as UserError.
boost::asio::awaitable<std::string> ask_server(net::Endpoint server, std::vector<std::string> args);

}  // namespace lockstep::scenarios
