#include "text/record_options.h"

namespace weir::text {

Compression resolve_compression(Compression compression, std::string_view key) {
  if (compression != Compression::automatic) return compression;
  if (key.ends_with(".gz") || key.ends_with(".gzip")) return Compression::gzip;
  if (key.ends_with(".zst") || key.ends_with(".zstd")) return Compression::zstd;
  return Compression::none;
}

RecordOptions record_options(const ReadStep& step, std::string_view key) {
  RecordOptions options;
  options.format = step.format;
  options.compression = resolve_compression(step.compression, key);
  options.layout = step.layout;
  options.csv = step.csv;
  options.columns = step.columns.size();
  options.max_record_bytes = step.max_record_bytes;
  return options;
}

}  // namespace weir::text
