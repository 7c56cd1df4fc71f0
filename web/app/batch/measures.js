/** How the page speaks of what is measured. */

export const MEASURES = {
  hit_rate: {
    title: "Hit rate",
    label: "hit rate",
    order: "most memorable first",
    lowerIsBetter: false,
    explains:
      "In memory experiments people see many photos and tell which ones come up again. The hit rate of a photo is the " +
      "share of them who recognise it. The score is the models’ estimate, on their own scale: use it to rank photos, " +
      "not to say how many people will remember one.",
  },
  false_alarm_rate: {
    title: "False-alarm rate",
    label: "false-alarm rate",
    order: "fewest false alarms first",
    lowerIsBetter: true,
    explains:
      "The share of people who believe that they have seen the photo before, although they have not. Lower is better. " +
      "It is a measure of its own and is never mixed into the hit rate.",
  },
};
