#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/init_project.h"
#include "config/project_texts.h"

namespace {

/// The input: a project file and, behind a line of "%%%", its overlay. Whatever it is: no crash, no
/// endless loop, and a project that is not usable says why and where.
void load(std::string_view input) {
  constexpr std::string_view separator = "\n%%%\n";
  weir::config::ProjectTexts texts;
  const size_t cut = input.find(separator);
  texts.base = {"weir.yaml", std::string(input.substr(0, cut))};
  if (cut != std::string_view::npos) {
    texts.overlay = {"weir.prod.yaml", std::string(input.substr(cut + separator.size()))};
  }
  texts.root = "/project";
  texts.variables = [](const std::string& name) -> std::optional<std::string> {
    if (name.empty() || name[0] == 'M') return std::nullopt;
    return "value of ${env:" + name + "}";
  };
  const weir::config::LoadedProject loaded = weir::config::load_project_texts(texts, nullptr);
  for (const weir::config::Diagnostic& diagnostic : loaded.diagnostics) {
    if (diagnostic.message.empty() || diagnostic.location.file.empty()) std::abort();
  }
  if (loaded.ok() && loaded.project.name.empty()) std::abort();
}

/// The same bytes as names of a sample's columns: what is written must validate.
void start_from(std::string_view input) {
  weir::config::InferredSource source;
  source.format = input.size() % 2 == 0 ? weir::Format::csv : weir::Format::json;
  for (size_t begin = 0; begin <= input.size() && source.columns.size() < 50;) {
    const size_t end = std::min(input.find(',', begin), input.size());
    source.columns.push_back({std::string(input.substr(begin, end - begin)), {}, {}});
    begin = end + 1;
  }
  source.sample_file_name = std::string(input.substr(0, 20));
  source.table_name = std::string(input.substr(0, 20));
  weir::config::ProjectTexts texts;
  texts.base = {"weir.yaml", weir::config::starter_project_yaml("fuzz", source)};
  texts.root = "/project";
  if (!weir::config::load_project_texts(texts, nullptr).ok()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  load(input);
  if (size < 1000) start_from(input);
  return 0;
}
