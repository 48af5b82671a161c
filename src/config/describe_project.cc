#include <set>

#include "config/load_project.h"
#include "config/project_entry.h"

namespace weir::config {
namespace {

using text::Json;

/// Markdown tables are cut at bars.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string code(std::string_view text) { return text.empty() ? "" : "`" + cell(text) + "`"; }

/// The headings of the maps a value is made of, itself included.
void collect_titles(const Outline& outline, std::vector<std::string>& titles) {
  if (!outline.title.empty()) titles.push_back(outline.title);
  for (const Outline& part : outline.parts) collect_titles(part, titles);
}

std::string type_cell(const Outline& value) {
  std::string out = cell(value.type);
  std::vector<std::string> titles;
  collect_titles(value, titles);
  for (const std::string& title : titles) out += ", see [" + title + "](#" + title + ")";
  return out;
}

std::string need_cell(const KeyOutline& key) {
  switch (key.need) {
    case Need::required: return "required";
    case Need::later: return "not there yet";
    case Need::optional: break;
  }
  if (key.default_value.is_null()) return "";
  return code(key.default_value.is_string() ? key.default_value.as_string()
                                            : key.default_value.to_string());
}

void write_map(const Outline& outline, std::string& page) {
  page += "\n## " + outline.title + "\n\n" + outline.doc + "\n\n";
  if (!outline.one_of.empty()) {
    page += "Exactly one of";
    for (const std::string& key : outline.one_of) page += " `" + key + "`";
    page += ".\n\n";
  }
  page += "| key | value | default | meaning | example |\n|---|---|---|---|---|\n";
  for (const KeyOutline& key : outline.keys) {
    std::string meaning = cell(key.doc);
    if (key.need == Need::later) meaning += " Not there yet: " + cell(key.effect) + ".";
    page += "| `" + key.name + "` | " + type_cell(key.value) + " | " + need_cell(key) + " | " +
            meaning + " | " + code(key.example) + " |\n";
  }
}

/// Each map once, in the order the keys lead to it.
void write_maps(const Outline& outline, std::set<std::string>& written, std::string& page) {
  if (!outline.title.empty() && written.insert(outline.title).second) write_map(outline, page);
  for (const KeyOutline& key : outline.keys) write_maps(key.value, written, page);
  for (const Outline& part : outline.parts) write_maps(part, written, page);
}

}  // namespace

std::string project_schema() {
  Json schema = Json::object();
  schema.set("$schema", "https://json-schema.org/draft/2020-12/schema").set("title", "weir.yaml");
  for (const auto& [name, value] : project_value().outline.schema.as_object()) {
    schema.set(name, value);
  }
  return schema.to_pretty_string() + "\n";
}

std::string project_reference() {
  std::string page =
      "# weir.yaml: reference\n\n"
      "Made from the descriptions the parser itself uses (`weir schema --reference`).\n\n"
      "`${env:NAME}` and `${env:NAME:-default}` put an environment variable into any value. Sizes "
      "take kB, MB, GB, TB (powers of 1000) and KiB, MiB, GiB, TiB (of 1024).\n";
  std::set<std::string> written;
  write_maps(project_value().outline, written, page);
  return page;
}

}  // namespace weir::config
