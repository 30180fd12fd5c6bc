# The figures of the speed programme by R's survey: raked design, means of the total, by sector and by size, with standard errors.
# Rscript speed_survey.R FOLDER. Loading the package and reading the files are not timed.
suppressPackageStartupMessages(library(survey))
folder <- commandArgs(trailingOnly = TRUE)[1]
frame <- read.csv(file.path(folder, "frame.csv"))
responses <- read.csv(file.path(folder, "responses.csv"))
items <- paste0("q", 1:12)
started <- proc.time()[["elapsed"]]
rows <- list()
for (year in unique(responses$year)) {
  answered <- responses[responses$year == year, ]
  register <- frame[frame$year == year, ]
  answered$N <- nrow(register)
  base <- svydesign(ids = ~1, fpc = ~N, data = answered)
  margin <- function(name) {
    counts <- as.data.frame(table(register[[name]]), responseName = "Freq")
    names(counts)[1] <- name
    counts
  }
  raked <- rake(base, list(~sector, ~size), list(margin("sector"), margin("size")), control = list(maxit = 100, epsilon = 1e-10))
  for (item in items) {
    formula <- as.formula(paste0("~", item))
    total <- svymean(formula, raked, na.rm = TRUE)
    rows[[length(rows) + 1]] <- data.frame(item, year, "total", "all", coef(total)[[1]], SE(total)[[1]])
    for (by in c("sector", "size")) {
      groups <- svyby(formula, as.formula(paste0("~", by)), raked, svymean, na.rm = TRUE)
      rows[[length(rows) + 1]] <- data.frame(item, year, by, as.character(groups[[by]]), groups[[item]], groups$se)
    }
  }
}
cat("seconds", proc.time()[["elapsed"]] - started, "\n")
cat("peak_kb", sub("[^0-9]*([0-9]+).*", "\\1", grep("VmHWM", readLines("/proc/self/status"), value = TRUE)), "\n")
for (row in rows) {
  cat(sprintf("%s,%d,%s,%s,%.17g,%.17g\n", row[[1]], row[[2]], row[[3]], row[[4]], row[[5]], row[[6]]), sep = "")
}
