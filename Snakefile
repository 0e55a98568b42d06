"""preference-dissection: find out what a judge rewards.

One study = one config file = one folder under results/. Start with `snakemake --cores 2` (the bundled sample) or
`snakemake --cores 2 --configfile workflow/studies/llmbar.yaml`.
"""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.27")

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))
from prefdissect.annotators.passes import ANNOTATION_PROTOCOL
from prefdissect.catalogue import CASES
from prefdissect.comparison_config import comparison_tables
from prefdissect.config import ASKED, LOADED, load_study, product_file, read_config
from prefdissect.errors import InputError
from prefdissect.judges.worker import PROTOCOL
from prefdissect.names import OVERALL, POOLED, figure_file, one_of
from prefdissect.pairs.registry import source_files
from prefdissect.provenance import code_hash
from prefdissect.regression.registry import ESTIMATORS as ESTIMATOR_MODULES

# A study stands alone, so nothing may merge into it: config.yaml is loaded only when no study was given.
# `--config key=value` works on top of both.
try:
    for path in workflow.configfiles:
        read_config(path)  # Snakemake's own reading lets a key that is given twice pass
    if not workflow.configfiles:
        config = {**read_config(Path(workflow.basedir) / "config.yaml"), **config}
    STUDY = load_study(config)
    LIVE = STUDY["measurements"] == "live"
    FILES = {name: source_files(record) for name, record in STUDY.sources.items()} if LIVE else {}
except InputError as error:
    raise WorkflowError(str(error)) from None

OUT = STUDY.folder
LOGS = f"{OUT}/logs"
BENCHMARKS = f"{OUT}/benchmarks"
JUDGES = list(STUDY.judges)
ANNOTATORS = list(STUDY.annotators)
ESTIMATORS = STUDY["regression"]["estimators"]
ESTIMATOR = ESTIMATORS[0]
DEGREE_JUDGES = STUDY["figures"]["judges"] or JUDGES[:4]
DEGREE_GROUPS = STUDY["figures"]["groups"]
FIGURES = [f"degree/{figure_file(group)}" for group in DEGREE_GROUPS]
FIGURES += ["similarity"] if len(JUDGES) > 1 else []
# Cases depend on the annotators, and `overall` is a mean of fits: neither has a datasheet.
DATASHEET_GROUPS = {
    figure_file(group): group for group in [POOLED, *DEGREE_GROUPS] if group not in (OVERALL, *CASES.values())
}
FIGURES += [f"datasheet/{name}" for name in DATASHEET_GROUPS]
TABLES = [
    "effects",
    "fit_quality",
    "similarity",
    "group_similarity",
    "clusters",
    "top_properties",
    "judge_datasheet",
    "property_statistics",
    "property_correlations",
]
# Beside published coefficients, where the study names them.
AGAINST_PUBLISHED = ["against_published", "against_published_summary"] if STUDY["regression"]["published"] else []
REFERENCE_FILES = (
    sorted(str(path) for path in Path(STUDY["regression"]["published"]).glob("model_*_fitted_paras.jsonl"))
    if AGAINST_PUBLISHED
    else []
)
# Differences, attributes, base judges and drift: where the study asks for them.
COMPARED = comparison_tables(STUDY["comparison"], STUDY.judges)
TABLES += COMPARED
LATEX = ["clusters", "top_properties", "judge_datasheet"]
LATEX += [table for table in ("cluster_numbers", "attribute_similarity", "base_similarity") if table in COMPARED]


wildcard_constraints:
    source=one_of(STUDY.sources),
    judge=one_of(JUDGES),
    annotator=one_of(ANNOTATORS),
    estimator=one_of(ESTIMATORS),


report: "workflow/report/workflow.rst"


localrules:
    all,
    figures,
    tables,
    contributions,
    plan,


rule all:
    input:
        expand("{out}/figures/{figure}.{form}", out=OUT, figure=FIGURES, form=["pdf", "png"]),
        expand("{out}/tables/{table}.csv", out=OUT, table=[*TABLES, *AGAINST_PUBLISHED]),
        expand("{out}/tables/{table}.tex", out=OUT, table=LATEX),
        f"{OUT}/findings.html",
        f"{OUT}/provenance.json",


rule figures:
    """Every figure of the study."""
    input:
        expand("{out}/figures/{figure}.{form}", out=OUT, figure=FIGURES, form=["pdf", "png"]),


rule tables:
    """Every table of the study."""
    input:
        expand("{out}/tables/{table}.csv", out=OUT, table=[*TABLES, *AGAINST_PUBLISHED]),
        expand("{out}/tables/{table}.tex", out=OUT, table=LATEX),


rule contributions:
    """What every property adds to every pair's preference, for every judge."""
    input:
        expand("{out}/regression/{estimator}/contributions.parquet", out=OUT, estimator=ESTIMATORS),


# The measured tables: what judge and annotate rules make, and what a frozen study takes from its archive.
MEASURED = [
    f"{OUT}/pairs.parquet",
    f"{OUT}/groups.parquet",
    *expand("{out}/sources/{source}/notes.json", out=OUT, source=STUDY.sources),
    *expand("{out}/judgements/{judge}.parquet", out=OUT, judge=JUDGES),
    *expand(
        "{out}/annotations/{annotator}.{table}.parquet",
        out=OUT,
        annotator=ANNOTATORS,
        table=["annotations", "query_info", "errors", "features"],
    ),
    *expand(
        "{out}/annotations/{annotator}.annotation_repeats.parquet",
        out=OUT,
        annotator=STUDY.annotators_of("llm"),
    ),
]

if LIVE:

    include: "workflow/rules/common.smk"
    include: "workflow/rules/pairs.smk"
    include: "workflow/rules/judges.smk"
    include: "workflow/rules/annotations.smk"
    include: "workflow/rules/freeze.smk"

else:

    include: "workflow/rules/frozen.smk"


include: "workflow/rules/regression.smk"
include: "workflow/rules/comparison.smk"
include: "workflow/rules/publication.smk"
