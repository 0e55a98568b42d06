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
from prefdissect.comparison_config import comparison_tables
from prefdissect.config import PUBLISHED_FILES as PUBLISHED_PATTERN
from prefdissect.config import ASKED, LOADED, load_study, product_file, read_config
from prefdissect.errors import InputError
from prefdissect.explorer.parts import page_files
from prefdissect.figure_list import (
    CATEGORIES,
    compared_attributes,
    data_groups,
    figures_of,
    labels_of,
    shown_attributes,
    shown_judges,
)
from prefdissect.judges.worker import PROTOCOL
from prefdissect.names import intervals_of_posterior, one_of
from prefdissect.pairs.registry import source_files
from prefdissect.provenance import code_hash
from prefdissect.reliability_config import asks, is_measured, rated_again
from prefdissect.regression.registry import ESTIMATORS as ESTIMATOR_MODULES
from prefdissect.results_folder import check_layout, claim

# A study stands alone, so nothing may merge into it: config.yaml is loaded only when no study was given.
# `--config key=value` works on top of both.
try:
    for path in workflow.configfiles:
        read_config(path)  # Snakemake's own reading lets a key that is given twice pass
    if not workflow.configfiles:
        config = {**read_config(Path(workflow.basedir) / "config.yaml"), **config}
    STUDY = load_study(config)
    check_layout(STUDY.folder)
    LIVE, PUBLISHED = (STUDY["measurements"] == kind for kind in ("live", "published"))
    FILES = {name: source_files(record) for name, record in STUDY.sources.items()} if LIVE else {}
except InputError as error:
    raise WorkflowError(str(error)) from None

OUT = STUDY.folder
LOGS = f"{OUT}/logs"
BENCHMARKS = f"{OUT}/benchmarks"
JUDGES = list(STUDY.judges)
ANNOTATORS = list(STUDY.annotators)
ESTIMATORS = ["published"] if PUBLISHED else STUDY["regression"]["estimators"]
ESTIMATOR = ESTIMATORS[0]
FIGURES = figures_of(STUDY)
FIGURE_FILES = [name for part in FIGURES.values() for name in part]
TABLES = ["effects", "similarity", "group_similarity", "clusters", "top_properties"]
if not PUBLISHED:  # these need pairs
    TABLES += ["fit_quality", "judge_datasheet", "property_statistics", "property_correlations"]
# Where a classifier gives queries their scenario.
CLASSIFIED = not PUBLISHED and bool(STUDY["scenarios"]["queries"])
SCENARIO_QUALITY = [f"{OUT}/scenario_quality.parquet"] if CLASSIFIED else []
if CLASSIFIED:
    TABLES.append("scenario_quality")
# How far ratings agree, where anything is rated twice, and the marks of properties where the study sets a limit.
RELIABILITY = ["reliability", "property_reliability"] if not PUBLISHED and is_measured(STUDY.annotators) else []
# What the error of the annotators leaves of the effects, where one of them rates again.
ATTENUATION = ["attenuation"] if RELIABILITY and any(map(rated_again, STUDY.annotators.values())) else []
RELIABILITY += ATTENUATION
TABLES += RELIABILITY
# How far judges can be moved, where the study aims models at them.
MANIPULATION = ["manipulation"] if STUDY["manipulation"] else []
TABLES += MANIPULATION
FLAGS = {"verdicts": f"{OUT}/annotations/property_reliability.parquet"} if asks(STUDY["annotations"]) else {}
# Differences, attributes, base judges and drift: where the study asks for them.
COMPARED = [
    table
    for table in comparison_tables(STUDY["comparison"], STUDY.judges)
    if not (PUBLISHED and table in ("flip_counts", "flipped_pairs"))
]
TABLES += COMPARED
# Beside published coefficients, where the study names them.
AGAINST_PUBLISHED = ["against_published", "against_published_summary"] if STUDY["regression"]["published"] else []
REFERENCE_FILES = (
    sorted(str(path) for path in Path(STUDY["regression"]["published"]).glob("model_*_fitted_paras.jsonl"))
    if AGAINST_PUBLISHED
    else []
)
# Lists of pairs are not printed.
PRINTED = [table for table in TABLES if table != "flipped_pairs"]
TABLE_FILES = expand("{out}/tables/{table}.csv", out=OUT, table=[*TABLES, *AGAINST_PUBLISHED])
TABLE_FILES += expand("{out}/tables/{table}.{form}", out=OUT, table=PRINTED, form=["md", "tex"])


wildcard_constraints:
    source=one_of(STUDY.sources),
    judge=one_of(JUDGES),
    annotator=one_of(ANNOTATORS),
    estimator=one_of(ESTIMATORS),


report: "workflow/report/workflow.rst"


onstart:
    try:
        claim(OUT)
    except InputError as error:
        raise WorkflowError(str(error)) from None


localrules:
    all,
    figures,
    tables,
    contributions,
    plan,


rule all:
    input:
        expand("{out}/figures/{figure}.{form}", out=OUT, figure=FIGURE_FILES, form=["pdf", "png"]),
        TABLE_FILES,
        f"{OUT}/findings.html",
        f"{OUT}/explorer.html",
        f"{OUT}/provenance.json",


rule figures:
    """Every figure of the study."""
    input:
        expand("{out}/figures/{figure}.{form}", out=OUT, figure=FIGURE_FILES, form=["pdf", "png"]),


rule tables:
    """Every table of the study."""
    input:
        TABLE_FILES,


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
    *SCENARIO_QUALITY,
]

if LIVE:

    include: "workflow/rules/common.smk"
    include: "workflow/rules/pairs.smk"
    include: "workflow/rules/judges.smk"
    include: "workflow/rules/annotations.smk"
    include: "workflow/rules/freeze.smk"

elif PUBLISHED:

    include: "workflow/rules/published.smk"

else:

    include: "workflow/rules/frozen.smk"


if not PUBLISHED:

    include: "workflow/rules/regression.smk"


include: "workflow/rules/comparison.smk"
include: "workflow/rules/figure_files.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/publication.smk"
include: "workflow/rules/explorer.smk"


if RELIABILITY:

    include: "workflow/rules/reliability.smk"


if MANIPULATION:

    localrules:
        plan_manipulation,

    from prefdissect.manipulation.job import GENERATION_PROTOCOL
    from prefdissect.manipulation.tuner import TUNING_PROTOCOL
    from prefdissect.manipulation_config import tuned_arms

    include: "workflow/rules/manipulation_common.smk"
    include: "workflow/rules/manipulation.smk"
