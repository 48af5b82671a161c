#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "cli/display_text.h"
#include "cli/messages.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "config/init_project.h"
#include "io/atomic_file.h"
#include "pipeline/infer_source.h"

namespace weir::cli {
namespace {

namespace fs = std::filesystem;

using Written = std::vector<fs::path>;

Result<void> make_folder(const fs::path& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (!problem) return {};
  return fail(ErrorCode::io, "cannot create " + folder.string() + ": " + problem.message());
}

Result<Written> write_from_sample(const fs::path& folder, const fs::path& sample) {
  const fs::path file = folder / "weir.yaml";
  if (fs::exists(file)) {
    return fail(ErrorCode::already_exists, file.string() + " is there already",
                "name another folder, or remove it");
  }
  const config::InferredSource source = WEIR_TRY(pipeline::infer_source(sample));
  WEIR_TRY(make_folder(folder / "landing"));
  WEIR_TRY(io::write_file_atomically(
      file.string(), config::starter_project_yaml(config::project_name(folder), source)));
  return Written{file};
}

std::string next_steps(const InitCommand& command, const Written& written) {
  std::string text;
  for (const fs::path& file : written) text += "wrote " + file.lexically_normal().string() + "\n";
  const std::string folder = command.directory.string();
  text += "\nnext:\n";
  if (folder != ".") text += "  cd " + folder + "\n";
  text += "  weir validate\n";
  if (command.sample) {
    text += "  put files like " + command.sample->filename().string() + " into landing/\n";
    return text + "  weir up\n";
  }
  return text +
         fmt::format("  weir test\n  weir run {}\n  weir up\n", config::starter_project_pipeline);
}

}  // namespace

ExitCode init_project(const InitCommand& command) {
  const auto written = command.sample ? write_from_sample(command.directory, *command.sample)
                                      : config::write_starter_project(command.directory);
  if (!written) {
    say(written.error());
    return exit_code(written.error());
  }
  DescriptorOutput(STDOUT_FILENO).write(visible(next_steps(command, *written), LineBreaks::keep));
  return ExitCode::done;
}

}  // namespace weir::cli
