#pragma once

#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/load_project.h"

namespace weir::cli {

/// One line to standard error, "weir: …", with nothing in it that could steer a terminal.
void say(std::string_view message);
void say(const Error& error);
/// One line each, in the form compilers use.
void say(const std::vector<config::Diagnostic>& diagnostics);

}  // namespace weir::cli
