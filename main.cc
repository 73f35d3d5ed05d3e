#include <fmt/format.h>

int main() {
  fmt::print("lockstep {}\n", LOCKSTEP_VERSION);
  return 0;
}
