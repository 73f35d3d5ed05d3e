#include "verifier/parallel.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

namespace lockstep::verifier {

namespace asio = boost::asio;

namespace {

auto deferred_task(asio::any_io_executor executor, asio::awaitable<void> task) {
  return asio::co_spawn(executor, std::move(task), asio::deferred);
}
using Task = decltype(deferred_task(std::declval<asio::any_io_executor>(),
                                    std::declval<asio::awaitable<void>>()));

/// Joined when it goes.
class IoThread {
 public:
  IoThread() : guard_(asio::make_work_guard(io_)), thread_([this] { io_.run(); }) {}
  ~IoThread() {
    io_.stop();
    thread_.join();
  }
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;
  asio::any_io_executor executor() { return io_.get_executor(); }

 private:
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  std::thread thread_;
};

}  // namespace

asio::awaitable<void> run_all(std::vector<asio::awaitable<void>> tasks) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  std::vector<Task> deferred;
  for (auto& task : tasks) deferred.push_back(deferred_task(executor, std::move(task)));
  if (deferred.empty()) co_return;
  const auto [order, failures] =
      co_await asio::experimental::make_parallel_group(std::move(deferred))
          .async_wait(asio::experimental::wait_for_one_error(), asio::use_awaitable);
  for (const size_t index : order) {
    if (failures[index]) std::rethrow_exception(failures[index]);
  }
}

asio::awaitable<void> run_on_thread(asio::awaitable<void> task) {
  IoThread thread;
  co_await asio::co_spawn(thread.executor(), std::move(task), asio::use_awaitable);
}

asio::awaitable<void> pause_for(std::chrono::milliseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace lockstep::verifier
