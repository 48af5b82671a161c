#include <cstdio>
#include <exception>

#include "cli/verbs.h"
#include "wiring_world.h"

int main(int argc, char** argv) {
  try {
    return weir::cli::run_command_line(argc, argv, {weir::make_world});
  } catch (const std::exception& problem) {  // out of memory: nothing else throws this far
    std::fprintf(stderr, "weir: %s\n", problem.what());
    return 1;
  }
}
