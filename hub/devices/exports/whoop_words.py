"""The column names of WHOOP's four CSV files, in English, Spanish, Portuguese and German.

It knows names, units and plausible limits only; what a row means is read in whoop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.devices.exports.table import fold


@dataclass(frozen=True, slots=True)
class Number:
    """A column of numbers: the name it is kept under, its unit, and the limits of what can be true."""

    name: str
    unit: str
    least: float
    most: float


# A field, then how its column is headed in each language (English, Spanish, Portuguese, German).
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "cycle_start": (
        "Cycle start time", "Hora de inicio del ciclo", "Hora de início do ciclo", "Startzeit des Zyklus",
    ),
    "cycle_end": (
        "Cycle end time", "Hora de finalización del ciclo", "Hora de fim do ciclo", "Endzeit des Zyklus",
    ),
    "timezone": (
        "Cycle timezone", "Zona horaria del ciclo", "Fuso horário do ciclo", "Zeitzone des Zyklus",
    ),
    "recovery_score": (
        "Recovery score %", "Puntuación de recuperación (%)", "Pontuação de recuperação %", "Erholungswert %",
    ),
    "resting_heart_rate": (
        "Resting heart rate (bpm)", "Frecuencia cardíaca en reposo (lpm)",
        "Frequência cardíaca em repouso (bpm)", "Ruheherzfrequenz (Schläge pro Minute)",
    ),
    "hrv_rmssd": (
        "Heart rate variability (ms)", "Variabilidad de la frecuencia cardíaca (ms)",
        "Variabilidade da frequência cardíaca (ms)", "Herzfrequenzvariabilität (ms)",
    ),
    "skin_temp": (
        "Skin temp (celsius)", "Temp. cutánea (grados centígrados)", "Temp. da pele (celsius)",
        "Hauttemperatur (Celsius)",
    ),
    "spo2": ("Blood oxygen %", "Oxígeno en sangre %", "% de oxigênio no sangue", "Blutsauerstoff %"),
    "day_strain": ("Day Strain", "Esfuerzo del día", "Esforço diário", "Tagesbelastung"),
    "energy_kcal": (
        "Energy burned (cal)", "Energía quemada (cal)", "Energia queimada (cal)", "Verbrannte Energie (cal)",
    ),
    "max_heart_rate": (
        "Max HR (bpm)", "FC máx. (lpm)", "FC máx. (bpm)", "Max HF (Schläge pro Minute)",
    ),
    "mean_heart_rate": (
        "Average HR (bpm)", "FC promedio (lpm)", "FC média (bpm)",
        "Durchschnittliche HF (Schläge pro Minute)",
    ),
    "sleep_onset": ("Sleep onset", "Inicio del sueño", "Início do sono", "Beginn des Schlafs"),
    "wake_onset": ("Wake onset", "Inicio de la vigilia", "Início da vigília", "Beginn des Aufwachens"),
    "sleep_performance": (
        "Sleep performance %", "Calificación del sueño (%)", "Desempenho do sono %", "Schlafleistung %",
    ),
    "respiratory_rate": (
        "Respiratory rate (rpm)", "Frecuencia respiratoria (rpm)", "Frequência respiratória (rpm)",
        "Atemfrequenz (Atemzüge/Min.)",
    ),
    "asleep": ("Asleep duration (min)", "Duración del sueño (min)", "Duração do sono (min)",
               "Schlafdauer (Min.)"),
    "in_bed": (
        "In bed duration (min)", "Tiempo en la cama (min)", "Duração na cama (min)", "Dauer im Bett (Min.)",
    ),
    "light_sleep": (
        "Light sleep duration (min)", "Duración de sueño ligero (min)", "Duração do sono leve (min)",
        "Dauer des Leichtschlafs (Min.)",
    ),
    "deep_sleep": (
        "Deep (SWS) duration (min)", "Duración de sueño profundo (SWS) (min)",
        "Duração profundo (Sono) (min)", "Dauer des Tiefschlafs (Min.)",
    ),
    "rem_sleep": (
        "REM duration (min)", "Duración de sueño REM (min)", "Duração REM (min)",
        "Dauer des REM-Schlafs (Min.)",
    ),
    "awake": (
        "Awake duration (min)", "Tempo despierto/a (min)", "Tiempo despierto/a (min)",
        "Duração de vigília (min)", "Dauer des Aufwachens (Min.)",
    ),
    "sleep_need": (
        "Sleep need (min)", "Sueño necesario (min)", "Necessidade de sono (min)", "Schlafbedarf (Min.)",
    ),
    "sleep_debt": (
        "Sleep debt (min)", "Deuda de sueño (min)", "Débito de sono (min)", "Schlafdefizit (Min.)",
    ),
    "sleep_efficiency": (
        "Sleep efficiency %", "Eficiencia del sueño %", "Eficácia do sono %", "Schlafeffizienz %",
    ),
    "sleep_consistency": (
        "Sleep consistency %", "Regularidad del sueño %", "Consistência do sono %", "Schlafbeständigkeit %",
    ),
    "nap": ("Nap", "Siesta", "Sesta", "Nickerchen"),
    "workout_start": (
        "Workout start time", "Hora de inicio del entrenamiento", "Hora de início do treino",
        "Startzeit des Trainings",
    ),
    "workout_end": (
        "Workout end time", "Hora de finalización del entrenamiento", "Hora de fim do treino",
        "Endzeit des Trainings",
    ),
    "duration": ("Duration (min)", "Duración (min)", "Duração (min)", "Dauer (Min.)"),
    "activity": ("Activity name", "Nombre de la actividad", "Nome da atividade", "Name der Aktivität"),
    "activity_strain": (
        "Activity Strain", "Esfuerzo de actividad", "Esforço da atividade", "Aktivitätsbelastung",
    ),
    **{
        f"heart_rate_zone_{n}": (
            f"HR Zone {n} %", f"Zona FC {n}%", f"Zona {n} de FC %", f"HF-Zone {n} %",
        )
        for n in range(1, 6)
    },
    "gps": ("GPS enabled", "GPS habilitado", "GPS ativado", "GPS aktiviert"),
    "distance": ("Distance (meters)", "Distancia (metros)", "Distância (metros)", "Distanz (Meter)"),
    "altitude_gain": ("Altitude gain (meters)",),
    "altitude_change": ("Altitude change (meters)",),
    "question": ("Question text", "Texto de la pregunta", "Texto de pergunta", "Fragetext"),
    "answer": (
        "Answered yes", "Answered yes/no", 'Respondió "Sí"', "Respondeu sim", "Beantwortet mit Ja",
    ),
    "notes": ("Notes", "Notas", "Anmerkungen"),
}  # fmt: skip

DAY: Sequence[Number] = (
    Number("recovery_score", "%", 0, 100),
    Number("resting_heart_rate", "bpm", 20, 150),
    Number("hrv_rmssd", "ms", 1, 500),
    Number("skin_temp", "°C", 15, 45),
    Number("spo2", "%", 50, 100),
    Number("day_strain", "of 21", 0, 21),
    Number("energy_kcal", "kcal", 1, 30_000),
    Number("max_heart_rate", "bpm", 20, 250),
    Number("mean_heart_rate", "bpm", 20, 250),
)
NIGHT: Sequence[Number] = (
    Number("sleep_performance", "%", 0, 100),
    Number("respiratory_rate", "1/min", 4, 60),
    Number("asleep", "min", 0, 1440),
    Number("in_bed", "min", 0, 1440),
    Number("light_sleep", "min", 0, 1440),
    Number("deep_sleep", "min", 0, 1440),
    Number("rem_sleep", "min", 0, 1440),
    Number("awake", "min", 0, 1440),
    Number("sleep_need", "min", 0, 1440),
    Number("sleep_debt", "min", 0, 1440),
    Number("sleep_efficiency", "%", 0, 100),
    Number("sleep_consistency", "%", 0, 100),
)
WORKOUT: Sequence[Number] = (
    Number("activity_strain", "of 21", 0, 21),
    Number("mean_heart_rate", "bpm", 20, 250),
    Number("max_heart_rate", "bpm", 20, 250),
    Number("energy_kcal", "kcal", 0, 30_000),
    *(Number(f"heart_rate_zone_{n}", "%", 0, 100) for n in range(1, 6)),
    Number("distance", "m", 0, 1_000_000),
    Number("altitude_gain", "m", 0, 20_000),
    Number("altitude_change", "m", -20_000, 20_000),
)

YES = frozenset(map(fold, ("true", "yes", "1", "sí", "sim", "ja", "wahr", "verdadero", "verdadeiro")))
NO = frozenset(map(fold, ("false", "no", "0", "não", "nein", "falsch", "falso")))

FIELD_OF: Mapping[str, str] = {fold(name): field for field, names in HEADINGS.items() for name in names}


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each known field stands in a row, and the headings nobody knows."""

    place: Mapping[str, int]
    unknown: tuple[str, ...]

    @staticmethod
    def of(header: Sequence[str]) -> Columns:
        """The columns under these headings; of two alike the first counts."""
        place: dict[str, int] = {}
        unknown: list[str] = []
        for i, cell in enumerate(header):
            field = FIELD_OF.get(fold(cell))
            if field is None and cell.strip():
                unknown.append(cell.strip())
            elif field is not None:
                place.setdefault(field, i)
        return Columns(place, tuple(unknown))

    def has(self, *fields: str) -> bool:
        """Whether all of these stand here."""
        return all(field in self.place for field in fields)


def kind_of(columns: Columns) -> str:
    """Which of the four files it is: "cycles", "sleeps", "workouts", "journal", or "" for none."""
    if not columns.has("cycle_start"):
        return ""
    if columns.has("workout_start", "activity"):
        return "workouts"
    if columns.has("question", "answer"):
        return "journal"
    if columns.has("recovery_score") or columns.has("day_strain"):
        return "cycles"
    return "sleeps" if columns.has("sleep_onset", "wake_onset") else ""


def yes_or_no(text: str) -> bool | None:
    """An answer in any of the languages, None where it is neither."""
    folded = fold(text)
    return True if folded in YES else False if folded in NO else None
