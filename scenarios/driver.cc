#include "scenarios/driver.h"

#include "scenarios/command_driver.h"
#include "scenarios/lockstep_driver.h"
#include "scenarios/replicaof_driver.h"

namespace lockstep::scenarios {

std::unique_ptr<Driver> make_driver(asio::any_io_executor executor, DriverContext context) {
  switch (context.spec.driver) {
    case DriverKind::replicaof:
      return std::make_unique<ReplicaofDriver>(std::move(context));
    case DriverKind::command:
      return std::make_unique<CommandDriver>(executor, std::move(context));
    case DriverKind::lockstep:
      break;
  }
  return std::make_unique<LockstepDriver>(executor, std::move(context));
}

}  // namespace lockstep::scenarios
