#include "scenarios/server_facts.h"

#include <sstream>

#include "sync/net/client.h"

namespace lockstep::scenarios {

namespace asio = boost::asio;

asio::awaitable<std::string> ask_server(net::Endpoint server, std::vector<std::string> args) {
  auto client = co_await net::Client::connect(server);
  co_return (co_await client->command_or_throw(std::move(args))).text;
}

asio::awaitable<std::map<std::string, std::string>> info_of(net::Endpoint server,
                                                            std::string section) {
  std::vector<std::string> words{"INFO", section};
  std::istringstream lines(co_await ask_server(server, words));
  std::map<std::string, std::string> fields;
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    fields[line.substr(0, colon)] = line.substr(colon + 1, line.find('\r') - colon - 1);
  }
  co_return fields;
}

asio::awaitable<int64_t> replication_offset(net::Endpoint server) {
  auto fields = co_await info_of(server, "replication");
  co_return std::stoll("0" + fields["master_repl_offset"]);
}

}  // namespace lockstep::scenarios
