#include "config/init_project.h"

#include <algorithm>
#include <set>

#include "base/utf8.h"
#include "config/resolve.h"
#include "config/rule.h"
#include "io/atomic_file.h"
#include "text/yaml.h"

namespace weir::config {
namespace {

namespace fs = std::filesystem;
using text::yaml_scalar;

constexpr std::string_view starter_yaml =
    R"(# A weir project. `weir validate` checks this file, `weir run load-orders` runs the pipeline once,
# `weir up` keeps watching landing/ and loads whatever arrives there.
project: NAME
memory: 1GB                                # weir stays within this, whatever the size of the files

databases:
  warehouse: duckdb://warehouse.duckdb     # the embedded database, a file beside this one

buckets:
  landing: file://landing                  # drop files here

tables:
  orders:                                  # created at the first load
    in: warehouse
    columns:                               # name: type | rule | rule
      order_id: bigint        | key        # rows with the same key are one order
      customer: varchar(100)  | required
      city:     varchar(100)
      ordered:  date          | required
      amount:   decimal(10,2) | >= 0
    on_bad_row: quarantine                 # a bad row is set aside and told; `fail` loads nothing

pipelines:
  load-orders:
    when: [{object: landing/*.csv}]        # * stays in one folder, ** crosses
    steps:
      - read:
          format: csv
          columns:                         # what the file holds, by its header
            id: bigint
            customer: varchar
            city: varchar
            ordered_on: date
            amount: decimal(10,2)
      - select:                            # the table's column: SQL over the file's columns
          order_id: id
          customer: trim(customer)
          city: upper(city)
          ordered: ordered_on
          amount: amount
      - load: {table: orders, mode: merge} # merge: a known key is updated; append: it is rejected

tests:                                     # `weir test` runs them, on a database of their own
  a negative amount is set aside:
    pipeline: load-orders
    given:
      objects:
        landing/two.csv:
          rows:
            - {id: 1, customer: " Ada ", city: London, ordered_on: 2024-01-03, amount: 19.90}
            - {id: 2, customer: Emmy, city: null, ordered_on: 2024-01-03, amount: -5}
    expect:
      receipt: {status: partial, rows: {read: 2, inserted: 1, rejected: 1}}
      tables:
        orders: [{order_id: 1, customer: Ada, city: LONDON, amount: 19.90}]
      rejects: [{line: 3, field: amount, rule: ">= 0"}]
)";

constexpr std::string_view starter_sample =
    "id,customer,city,ordered_on,amount\n"
    "1,Ada Lovelace,London,2024-01-03,19.90\n"
    "2,Emmy Noether,Erlangen,2024-01-03,5.00\n"
    "3,\"Ramanujan, Srinivasa\",Madras,2024-01-04,0.00\n"
    "4,Sofia Kovalevskaya,Stockholm,2024-01-05,120.50\n";

constexpr std::string_view starter_gitignore = ".weir/\n*.duckdb\n*.duckdb.wal\n";

Result<void> write_new(const fs::path& path, std::string_view content,
                       std::vector<fs::path>& written) {
  WEIR_TRY(io::write_file_atomically(path.string(), content));
  written.push_back(path);
  return {};
}

Result<void> create_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return fail(ErrorCode::io,
                "cannot create the folder " + folder.string() + ": " + error.message(),
                "check the path and its rights");
  }
  return {};
}

std::string identifier_of(const std::string& text, const std::string& otherwise) {
  std::string out;
  for (const char c : text.substr(0, 60)) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (word || c == '_' || (c == '-' && !out.empty())) {
      out += c;
    } else if (!out.empty() && out.back() != '_') {
      out += '_';
    }
  }
  while (out.ends_with('_')) out.pop_back();
  return out.empty() ? otherwise : out;
}

/// ".csv", ".json.gz"; empty when the name has none, or one that a pattern cannot say.
std::string ending_of(const std::string& file) {
  std::string ending = fs::path(file).extension().string();
  if (ending == ".gz" || ending == ".zst") {
    ending = fs::path(file).stem().extension().string() + ending;
  }
  const bool plain = std::all_of(ending.begin(), ending.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
  });
  return plain ? ending : "";
}

struct SampleColumn {
  std::string name;
  std::string type;
};

/// The text without what a YAML file cannot hold: control characters and bytes that are no UTF-8.
std::string clean_text(std::string_view text) {
  constexpr size_t longest = 190;
  std::string out;
  while (!text.empty() && out.size() < longest) {
    const size_t length = utf8_sequence_length(text);
    const bool control = static_cast<unsigned char>(text[0]) < ' ' || text[0] == 127;
    out += length == 0 || control ? "_" : text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

std::string free_name(const std::string& name, std::set<std::string>& taken) {
  std::string out = name;
  for (int n = 2; !taken.insert(folded(out)).second; ++n) {
    out = name + "_" + std::to_string(n);
  }
  return out;
}

/// CSV columns go by position, so a repeated one is renamed; a JSON member is found by its name, so
/// a second one that differs in case only is left out.
std::vector<SampleColumn> sample_columns(const InferredSource& source) {
  std::vector<SampleColumn> columns;
  std::set<std::string> taken;
  for (size_t i = 0; i < source.columns.size(); ++i) {
    std::string name = clean_text(source.columns[i].name);
    if (name.empty()) name = "column_" + std::to_string(i + 1);
    if (source.format == Format::json && taken.contains(folded(name))) continue;
    columns.push_back({free_name(name, taken), source.columns[i].type.to_string()});
  }
  return columns;
}

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

void write_columns(const std::vector<SampleColumn>& columns, const std::string& indent,
                   std::string& out) {
  size_t width = 0;
  for (const SampleColumn& column : columns) {
    width = std::max(width, yaml_scalar(column.name).size() + 1);
  }
  for (const SampleColumn& column : columns) {
    out += indent + padded(yaml_scalar(column.name) + ":", std::min<size_t>(width, 40)) + " " +
           column.type + "\n";
  }
}

void write_dialect(const CsvDialect& dialect, std::string& out) {
  const CsvDialect usual;
  const auto character = [](char c) -> std::string {
    return c == '\0' ? "none" : c == '\t' ? "tab" : yaml_scalar(std::string(1, c));
  };
  const auto add = [&](const std::string& line) { out += "          " + line + "\n"; };
  add(std::string("header: ") + (dialect.header
                                     ? "true                     # its first line names the columns"
                                     : "false                    # columns go by position"));
  if (dialect.delimiter != usual.delimiter) add("delimiter: " + character(dialect.delimiter));
  if (dialect.quote != usual.quote) add("quote: " + character(dialect.quote));
  if (dialect.escape != dialect.quote) add("escape: " + character(dialect.escape));
  if (dialect.null_text != usual.null_text)
    add("null: " + yaml_scalar(clean_text(dialect.null_text)));
  if (dialect.skip_lines != usual.skip_lines) add("skip: " + std::to_string(dialect.skip_lines));
}

void write_pipeline(const InferredSource& source, const std::string& table,
                    const std::vector<SampleColumn>& columns, std::string& out) {
  const std::string ending = ending_of(source.sample_file_name);
  out += "\npipelines:\n  load-" + table + ":\n";
  out += "    when: [{object: landing/*" + ending + "}]     # * stays in one folder, ** crosses\n";
  out += "    steps:\n      - read:\n";
  out += "          format: " + std::string(to_string(source.format)) + "\n";
  if (source.format == Format::csv) write_dialect(source.dialect, out);
  if (source.format == Format::json && source.layout != JsonLayout::automatic) {
    out += source.layout == JsonLayout::array
               ? "          layout: array                # one array of objects\n"
               : "          layout: lines                # one object after the other\n";
  }
  out += "          columns:                         # as seen in the sample: correct them here\n";
  write_columns(columns, "            ", out);
  out += "      # - select:                          # where names or values differ, say how:\n";
  out += "      #     column: SQL expression over the columns read\n";
  out += "      - load: {table: " + yaml_scalar(table) + ", mode: append}\n";
}

}  // namespace

Result<std::vector<fs::path>> write_starter_project(const fs::path& folder) {
  const fs::path yaml = folder / "weir.yaml";
  const fs::path sample = folder / "landing" / "orders.csv";
  for (const fs::path& path : {yaml, sample}) {
    std::error_code ignored;
    if (!fs::exists(fs::symlink_status(path, ignored))) continue;
    return fail(ErrorCode::already_exists, path.string() + " is there already",
                "choose an empty folder, or remove the file");
  }
  WEIR_TRY(create_folder(folder / "landing"));
  std::vector<fs::path> written;
  WEIR_TRY(write_new(sample, starter_sample, written));
  std::error_code ignored;
  if (!fs::exists(folder / ".gitignore", ignored)) {
    WEIR_TRY(write_new(folder / ".gitignore", starter_gitignore, written));
  }
  std::string text(starter_yaml);
  constexpr std::string_view place = "project: NAME";
  text.replace(text.find(place), place.size(),
               "project: " + yaml_scalar(clean_text(project_name(folder))));
  // Last, so that a folder with a weir.yaml is whole.
  WEIR_TRY(write_new(yaml, text, written));
  return written;
}

std::string project_name(const fs::path& folder) {
  std::error_code ignored;
  const fs::path whole = fs::weakly_canonical(fs::absolute(folder), ignored);
  const std::string name = (whole.filename().empty() ? whole.parent_path() : whole).filename();
  return name.find_first_not_of(" _") == std::string::npos ? "project" : name;
}

std::string starter_project_yaml(const std::string& name, const InferredSource& source) {
  const std::string table = identifier_of(source.table_name, "rows");
  std::vector<SampleColumn> columns = sample_columns(source);
  if (columns.empty()) columns.push_back({"value", "varchar"});
  std::string title = clean_text(name);
  if (title.find_first_not_of(" _") == std::string::npos) title = table;
  std::string out =
      "# Written from " + yaml_scalar(clean_text(source.sample_file_name)) +
      ". `weir validate` checks this file, `weir run load-" + table +
      "` runs the\n"
      "# pipeline once, `weir up` keeps watching landing/ and loads whatever arrives there.\n";
  out += "project: " + yaml_scalar(title);
  out +=
      "\nmemory: 1GB                                # weir stays within this\n"
      "\ndatabases:\n"
      "  warehouse: duckdb://warehouse.duckdb     # the embedded database, a file beside this one\n"
      "\nbuckets:\n"
      "  landing: file://landing                  # drop files here\n"
      "\ntables:\n  " +
      yaml_scalar(table) +
      ":\n    in: warehouse\n"
      "    columns:                               # name: type | rule | rule, e.g. bigint | key\n";
  write_columns(columns, "      ", out);
  out += "    on_bad_row: quarantine                 # a bad row is set aside and told\n";
  write_pipeline(source, table, columns, out);
  return out;
}

}  // namespace weir::config
