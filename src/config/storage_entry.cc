#include "config/storage_entry.h"

namespace weir::config {

Value<DatabaseEntry> database_value() {
  Value<Located<std::string>> url =
      secret_text_value("a URL: duckdb://PATH, postgres://… or mysql://…");
  url.outline.schema.set("pattern", "^(duckdb|postgres|postgresql|mysql|mariadb)://|\\$\\{env:");
  url.read = [read = url.read](const YamlNode& node,
                               Reader& reader) -> std::optional<Located<std::string>> {
    std::optional<Located<std::string>> text = read(node, reader);
    if (text && text->value.starts_with("duckdb://") &&
        text->value.find("${secret:") != std::string::npos) {
      reader.error(text->location, "the path of a duckdb:// database can hold no secret",
                   "write the path itself");
      return std::nullopt;
    }
    return text;
  };
  const Value<DatabaseEntry> full =
      Record<DatabaseEntry>("database", "Where tables live, with settings.")
          .required("url", &DatabaseEntry::url, url,
                    "The database. duckdb:// paths are relative to the project's folder.",
                    "duckdb://warehouse.duckdb")
          .optional("max_runs", &DatabaseEntry::max_runs, integer_value(1, 1000),
                    "Most batches of runs at work in it at a time, of all pipelines together. Left "
                    "out: as many as there are workers.",
                    "2")
          .value();
  return with_short_form<DatabaseEntry, Located<std::string>>(
      full, url, [](Located<std::string> text, const YamlNode&, Reader&) {
        DatabaseEntry entry;
        entry.url = std::move(text);
        return std::optional<DatabaseEntry>(std::move(entry));
      });
}

Value<BucketEntry> bucket_value() {
  const Value<Located<std::string>> url = text_value("a URL: file://FOLDER, s3://… or gs://…");
  const Value<BucketEntry> full =
      Record<BucketEntry>("bucket", "Where objects live, with settings.")
          .required("url", &BucketEntry::url, url,
                    "Where the objects are. file:// folders are relative to the project's folder.",
                    "file://landing")
          .optional("settle", &BucketEntry::settle_ms, duration_value(0, 86'400'000),
                    "How long a file found by a rescan must rest after its last change before it "
                    "is read.",
                    "5s")
          .value();
  return with_short_form<BucketEntry, Located<std::string>>(
      full, url, [](Located<std::string> text, const YamlNode&, Reader&) {
        BucketEntry entry;
        entry.url = std::move(text);
        return std::optional<BucketEntry>(std::move(entry));
      });
}

}  // namespace weir::config
