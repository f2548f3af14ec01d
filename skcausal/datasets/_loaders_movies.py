"""Many causes at once: the actors of 2,828 films and what the films earned."""

import json

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils import Bunch

from skcausal.datasets._fetch import RemoteFile, Source, load

_PREPARED = (
    "https://raw.githubusercontent.com/blei-lab/deconfounder_public/"
    "c315808fda409389750ecc63acc10282bbc6305e/movie_py/dat/tmdb_proc"
)
CASTS = RemoteFile(
    folder="tmdb5000/deconfounder_proc",
    sources=(
        Source(
            "casts_df_clean.csv",
            "0819d6889550192acc3913e60ac11caa3122b5be20b039bd3c71d1b53c3990cf",
            f"{_PREPARED}/casts_df_clean.csv",
        ),
    ),
)
GENRES = RemoteFile(
    folder="tmdb5000/deconfounder_proc",
    sources=(
        Source(
            "genres_df_clean.csv",
            "45a2332da5b89d364957953b587f20b60b9168645f68a3493b9a3a346c87f15b",
            f"{_PREPARED}/genres_df_clean.csv",
        ),
    ),
)
TRAINING = RemoteFile(
    folder="tmdb5000/deconfounder_proc",
    sources=(
        Source(
            "train.csv",
            "1a70870c6d1a1782e0f27e3a4910d51e07e1b27613f6073133996f959a9ed1be",
            f"{_PREPARED}/train.csv",
        ),
    ),
)
VALIDATION = RemoteFile(
    folder="tmdb5000/deconfounder_proc",
    sources=(
        Source(
            "validation.csv",
            "c63d083580cd231dda85c05c59e84674c81ec24d693054b5d4c7854e4b5d07e9",
            f"{_PREPARED}/validation.csv",
        ),
    ),
)
MOVIES = RemoteFile(
    folder="tmdb5000",
    sources=(
        Source(
            "tmdb_5000_movies.csv",
            "1e0584a8dd374120e4ed4f2b81f0d2bd0eb95a554708e4a350d00ed5c46d2825",
            "https://raw.githubusercontent.com/ellenfg/Predicting_Oscars/"
            "aa03c87401dbb1d8b070b00324c603635e5e6b72/tmdb_5000_movies.csv.zip",
            zipped=True,
        ),
    ),
    note="The table is on Kaggle as tmdb/tmdb-movie-metadata.",
)


def fetch_tmdb5000() -> Bunch:
    """Load TMDB 5000: who acted in which film, and the revenue of the film.

    Returns
    -------
    Bunch
        ``X`` (DataFrame of 2,828 films by 901 actors, 1 where the actor is in the
        cast, films and actors by name), ``cast`` (the same as a sparse CSR array),
        ``training`` and ``validation`` (CSR arrays: the entries that the authors
        fitted their factor models to, and those they held out; 2 where the cast
        lists an actor twice),
        ``y`` (natural logarithm of ``revenue``), ``revenue``, ``budget`` (both in
        USD; a budget of 0 means that it is not known), ``runtime`` (minutes),
        ``language`` (code of the original language), ``spoken`` (tuple of codes of
        the languages spoken), ``year``, ``genres`` (DataFrame
        of 18 columns, 1 where the film has the genre), ``frame`` (cast, genres,
        budget, runtime and ``log_revenue`` in one table), ``movie_id``,
        ``movie_names``, ``actor_names``, ``feature_names``, ``outcome_name`` and
        ``description``.

    Raises
    ------
    DatasetNotFoundError
        If a file is not here and cannot be downloaded.
    DatasetCorruptError
        If a file is not the expected one.

    Notes
    -----
    Assumptions: none is made here. The casts are those that the authors of the
    deconfounder prepared: films with revenue, actors with at least eight entries in
    that table. 23 rows that list an actor twice for a film are dropped. Films that
    share a title have the year behind it. Six films have a revenue below 1,000 USD,
    which is hardly their revenue. Data of The Movie Database, for non-commercial use.

    References
    ----------
    Y. Wang, D. M. Blei, "The Blessings of Multiple Causes", JASA 114(528), 2019.
    arXiv:1805.06826 (section 6.3).

    Examples
    --------
    >>> from skcausal.datasets import fetch_tmdb5000
    >>> fetch_tmdb5000().X.shape  # doctest: +SKIP
    (2828, 901)
    """
    owner = "fetch_tmdb5000"
    casts = load(CASTS, owner)[0].drop_duplicates(["movie_id", "actor_id"])
    genre_rows, _ = load(GENRES, owner)
    movies, _ = load(MOVIES, owner)
    ids = np.sort(casts["movie_id"].unique())
    movies = movies.set_index("id").loc[ids]
    year = pd.to_datetime(movies["release_date"]).dt.year
    shared = movies["title"].duplicated(keep=False)
    titles = movies["title"].where(
        ~shared, movies["title"] + " (" + year.astype(str) + ")"
    )
    index = pd.Index(titles.to_numpy(), name="movie")
    X = _indicators(casts, "actor_id", "name", ids).set_axis(index)
    genres = _indicators(genre_rows, "genre_id", "genre", ids).set_axis(index)
    parts = {
        name: _entries(load(file, owner)[0], X.shape)
        for name, file in (("training", TRAINING), ("validation", VALIDATION))
    }
    spoken = movies["spoken_languages"].map(_codes).set_axis(index).rename("spoken")
    columns = movies[["revenue", "budget", "runtime", "original_language"]]
    facts = columns.set_axis(index).rename(columns={"original_language": "language"})
    facts["runtime"] = facts["runtime"].astype(float)
    y = np.log(facts["revenue"]).rename("log_revenue")
    return Bunch(
        X=X,
        cast=sparse.csr_array(X.to_numpy()),
        y=y,
        **parts,
        spoken=spoken,
        **{name: facts[name] for name in facts},
        year=pd.Series(year.to_numpy(), index=index, name="year"),
        genres=genres,
        frame=pd.concat([X, genres, facts[["budget", "runtime"]], y], axis=1),
        movie_id=ids,
        movie_names=index.to_numpy(),
        actor_names=X.columns.to_numpy(),
        feature_names=list(X.columns),
        outcome_name="log_revenue",
        description=(
            f"TMDB 5000: {X.shape[0]} films, {X.shape[1]} actors with at least eight "
            f"entries in the table of casts, {int(X.to_numpy().sum())} roles, "
            f"{genres.shape[1]} genres; outcome logarithm of the revenue (USD). Casts "
            "as prepared by Wang and Blei (2019). Uses data of The Movie Database; "
            "non-commercial."
        ),
    )


def _entries(rows: pd.DataFrame, shape: tuple[int, int]) -> sparse.csr_array:
    """Return how often rows pair a film and an actor, both by position."""
    pairs = (rows["uid"], rows["sid"])
    counts = rows["rating"].to_numpy(dtype=float)
    return sparse.csr_array((counts, pairs), shape=shape)


def _codes(languages: str) -> tuple[str, ...]:
    """Return the codes of a list of languages in JSON."""
    return tuple(one["iso_639_1"] for one in json.loads(languages))


def _indicators(
    rows: pd.DataFrame, key: str, name: str, ids: np.ndarray
) -> pd.DataFrame:
    """Return films by labels, 1 where a row pairs them; columns in order of the key."""
    rows = rows.drop_duplicates(["movie_id", key])
    keys = np.sort(rows[key].unique())
    table = np.zeros((len(ids), len(keys)), dtype=np.int8)
    table[np.searchsorted(ids, rows["movie_id"]), np.searchsorted(keys, rows[key])] = 1
    labels = rows.drop_duplicates(key).set_index(key)[name].loc[keys]
    return pd.DataFrame(table, columns=labels.to_numpy())
